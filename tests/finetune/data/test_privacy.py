"""Secrets and personal data become placeholders; what only looks like them stays."""

import json
from pathlib import Path

import pytest

from assistant.messages import CompletionRequest
from assistant_finetune.data import Chat, Hole, Journal, Origin
from assistant_finetune.data.privacy.files import scrub_file
from assistant_finetune.data.privacy.scrubbing import Placeholders, scrub
from tests.prompts.families import conversation

HERE = Origin("a.jsonl", 1)
# Written in two parts, so that no scanner of repositories takes them for real ones.
KEYS = {
    "AWS_ACCESS_KEY": "AKIA" + "Z7QJ4M2N8X5C3V6B",
    "GITHUB_TOKEN": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "SLACK_TOKEN": "xoxb-" + "123456789012-abcdefghij12",
    "STRIPE_ACCESS_KEY": "sk_live_" + "a1B2c3D4e5F6g7H8i9J0k1L2",
    "JSON_WEB_TOKEN": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLW9mLWl0",
    "TOKEN": "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ12345678",
}
PEM = "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEow\nabc+/=\n-----END RSA PRIVATE KEY-----"


def scrubbed(*texts: str, region: str | None = None) -> list[str]:
    chat = Chat(conversation(*texts), HERE)
    found, _ = scrub(chat, Journal(), region)
    assert isinstance(found, Chat)
    return [message.content for message in found.conversation.messages]


@pytest.mark.parametrize("kind", KEYS)
def test_tokens(kind: str) -> None:
    (text, _) = scrubbed(f'client = Client("{KEYS[kind]}")  # mine', "ok")
    assert text == f'client = Client("<{kind}_1>")  # mine'


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        (f"Here:\n{PEM}\nend", "Here:\n<PRIVATE_KEY_1>\nend"),
        ('db_password = "c0rrect-h0rse"', 'db_password = "<PASSWORD_1>"'),
        ("postgres://joe:hunter22@db.local/x", "postgres://joe:<PASSWORD_1>@db.local/x"),
        ("Write to ann.lee+x@acme.io.", "Write to <EMAIL_1>."),
        ("Call +1 650-253-0000 now", "Call <PHONE_1> now"),
        ("Ring +49 (0)30 901820!", "Ring <PHONE_1>!"),
        ("Pay with 4111 1111 1111 1111", "Pay with <CARD_1>"),
        ("IBAN DE89 3704 0044 0532 0130 00.", "IBAN <IBAN_1>."),
        ("from 93.184.216.34:443", "from <IP_1>:443"),
        ("from 2606:2800:220:1:248:1893:25c8:1946", "from <IP_1>"),
        ("open /home/annlee/src/x.py", "open /home/<USER_1>/src/x.py"),
        (r"open C:\Users\annlee\x.py", r"open C:\Users\<USER_1>\x.py"),
    ],
)
def test_what_is_private(text: str, replaced: str) -> None:
    assert scrubbed(text, "ok")[0] == replaced


@pytest.mark.parametrize(
    "text",
    [
        'password = os.environ["DB_PASSWORD"]',
        'password = getpass("Enter your password 1: ")',
        'parser.add_argument("--password", help="the password")',
        'password: "{{ vault_password_2 }}"',
        "if token != secret_key: raise",
        "postgres://user:password@localhost/db and https://u:${PASS_WORD}@h/",
        "mail user@example.com or git@github.com:a/b.git",
        "@decorator\ndef f(self): ...",
        "127.0.0.1, 10.0.0.1, 192.168.1.20, 8.8.8.8, 0.0.0.0",
        "version 1.2.3.4567 and 10.15.7",
        "std::vector<int> a::b::c at 12:30:45",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "id 4111 1111 1111 1112 and 1234567890123456",
        "uuid 123e4567-e89b-12d3-a456-426614174000",
        "x = 650 - 253 - 1000",
        "cd /home/user/src; cat /usr/home/x",
        "2 + 2 = 4, call me maybe at 5",
        "<EMAIL_1> stays",
    ],
)
def test_what_only_looks_private(text: str) -> None:
    assert scrubbed(text, "ok")[0] == text


def test_one_value_has_one_name_in_a_conversation() -> None:
    assert scrubbed(
        "I am a@acme.io, he is b@acme.io", "Hello a@acme.io", "and a@acme.io?", "b@acme.io!"
    ) == ["I am <EMAIL_1>, he is <EMAIL_2>", "Hello <EMAIL_1>", "and <EMAIL_1>?", "<EMAIL_2>!"]


def test_what_is_found_once_is_replaced_everywhere() -> None:
    assert scrubbed('password = "hunter22x"', "So it is hunter22x?") == [
        'password = "<PASSWORD_1>"',
        "So it is <PASSWORD_1>?",
    ]


def test_twice_is_as_good_as_once() -> None:
    once = scrubbed("I am a@acme.io", "Hello")
    assert scrubbed(*once) == once
    assert scrubbed("<EMAIL_3> and b@acme.io", "ok")[0] == "<EMAIL_3> and <EMAIL_4>"


def test_numbers_of_a_country() -> None:
    assert scrubbed("call 650-253-0000", "ok")[0] == "call 650-253-0000"
    assert scrubbed("call 650-253-0000", "ok", region="US")[0] == "call <PHONE_1>"


def test_a_secret_across_a_place_is_refused() -> None:
    key = KEYS["AWS_ACCESS_KEY"]
    journal = Journal()
    hole = Hole(CompletionRequest(f'key = "{key[:9]}', '"\n'), key[9:], HERE)
    assert scrub(hole, journal)[0] is None
    assert "across the place" in journal.first[0].reason
    inside = Hole(CompletionRequest('key = "', '"\n'), key, HERE)
    found, _ = scrub(inside, journal)
    assert isinstance(found, Hole)
    assert found.middle == "<AWS_ACCESS_KEY_1>"


def test_a_megabyte_on_one_line_takes_seconds() -> None:
    import time

    for text in ("a" * 10**6, "a1+/" * 250_000, "key=" * 250_000, "%61" * 300_000, "1 " * 500_000):
        begin = time.process_time()
        Placeholders().look(text)
        assert time.process_time() - begin < 8


def test_files(tmp_path: Path) -> None:
    records = [{"a": {"mail": "x@acme.io"}, "b": ["x@acme.io", 1, None]}, {"c": "y@acme.io"}]
    file, output = tmp_path / "a.json", tmp_path / "b.jsonl"
    file.write_text(json.dumps(records))
    counts = scrub_file(file, output, Journal(), None)
    assert counts == {"EMAIL": 3}
    assert [json.loads(line) for line in output.read_text().splitlines()] == [
        {"a": {"mail": "<EMAIL_1>"}, "b": ["<EMAIL_1>", 1, None]},
        {"c": "<EMAIL_1>"},
    ]
    assert output.stat().st_mode & 0o077 == 0
    text, written = tmp_path / "a.txt", tmp_path / "b.txt"
    text.write_text("x@acme.io\n" * 30_000 + "y@acme.io\n")
    assert scrub_file(text, written, Journal(), None) == {"EMAIL": 30_001}
    assert written.read_text() == "<EMAIL_1>\n" * 30_000 + "<EMAIL_2>\n"
