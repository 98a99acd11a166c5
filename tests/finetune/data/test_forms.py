"""Every form is recognized by what it looks like, and read as what it says."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import AssistantError
from assistant.messages import Conversation, Message
from assistant_finetune.data import (
    Asked,
    Chat,
    Document,
    Example,
    Hole,
    Journal,
    Kind,
    Paths,
    Source,
    read_all,
    read_source,
)
from assistant_finetune.data.forms import own

SHAREGPT = {
    "id": "x",
    "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}],
}
TALK = [("user", "Hi"), ("assistant", "Hello")]
OPENAI = {"messages": [{"role": role, "content": text} for role, text in TALK]}
ALPACA = {"instruction": "Hi", "input": "", "output": "Hello"}


def read(path: Path, kind: Kind | None = None, paths: Paths = Paths.BEST) -> list[Example]:
    journal = Journal()
    found = list(read_all([Source(str(path), kind, paths)], journal))
    assert journal.rejected.total() == 0, journal.summary
    return found


def write(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def said(example: Example) -> list[tuple[str, str]]:
    assert isinstance(example, Chat)
    return [(message.role, message.content) for message in example.conversation.messages]


@pytest.mark.parametrize(
    "record",
    [
        SHAREGPT,
        {"items": SHAREGPT["conversations"]},
        SHAREGPT["conversations"],
        OPENAI,
        OPENAI["messages"],
        {"messages": [{"role": r, "content": [{"type": "text", "text": t}]} for r, t in TALK]},
        ALPACA,
        {"instruction": "Hi", "output": "Hello"},
        {"prompt": "Hi", "completion": "Hello"},
        {"prompt": "Hi", "response": "Hello", "source": "x"},
    ],
    ids=lambda record: ",".join(record) if isinstance(record, dict) else "list",
)
def test_a_record_is_recognized(record: Any, tmp_path: Path) -> None:
    (example,) = read(write(tmp_path / "a.jsonl", record))
    assert said(example) == TALK


def test_records_of_several_forms_in_one_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", SHAREGPT, ALPACA, OPENAI)
    journal = Journal()
    kinds = [kind for _, kind in read_source(Source(str(path)), journal)]
    assert kinds == [Kind.SHAREGPT, Kind.ALPACA, Kind.OPENAI]


def test_a_named_kind_is_insisted_on(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", SHAREGPT, ALPACA)
    journal = Journal()
    found = list(read_all([Source(str(path), Kind.ALPACA)], journal))
    assert len(found) == 1
    assert journal.rejected == {"it has no instruction or prompt": 1}


def test_alpacas_input_belongs_to_the_question(tmp_path: Path) -> None:
    record = {"instruction": "Add", "input": "2 3", "output": "5", "system": "Be brief."}
    (example,) = read(write(tmp_path / "a.jsonl", record))
    assert said(example) == [("system", "Be brief."), ("user", "Add\n\n2 3"), ("assistant", "5")]


def test_weights_of_messages(tmp_path: Path) -> None:
    messages = [*OPENAI["messages"], *({**one, "weight": 0.5} for one in OPENAI["messages"])]
    (example,) = read(write(tmp_path / "a.jsonl", {"messages": messages}))
    assert isinstance(example, Chat)
    assert example.weights == (0.0, 1.0, 0.5, 0.5)


WRAPPED: list[tuple[str, str]] = [
    ("lines", "{0}\n{1}\n"),
    ("lines with a mark", "\ufeff{0}\n\n{1}"),
    ("list on one line", "[{0}, {1}]"),
    ("list, one to a line", "[\n{0},\n{1}\n]\n"),
    ("list, indented", "[\n    {0},\n    {1}\n]"),
    ("in an object", '{{"version": "1", "data": [{0}, {1}], "more": [1]}}'),
    ("in an object of lines", '{{\n  "data": [\n    {0},\n    {1}\n  ]\n}}\n'),
    ("one behind the other", "{0} {1}"),
]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("indent", [None, 2], ids=["one line each", "indented"])
@pytest.mark.parametrize(("name", "text"), WRAPPED, ids=[name for name, _ in WRAPPED])
def test_files_of_json(
    name: str, text: str, indent: int | None, packed: bool, tmp_path: Path
) -> None:
    if indent is None if name == "one behind the other" else indent and "lines" in name:
        return  # records of one line each stand on lines of their own, and others do not
    records = [json.dumps(record, indent=indent) for record in (SHAREGPT, OPENAI)]
    data = text.format(*records).encode()
    path = tmp_path / ("a.json.gz" if packed else "a.json")
    path.write_bytes(gzip.compress(data) if packed else data)
    assert [said(example) for example in read(path)] == [TALK, TALK]


def test_lines_are_counted_in_a_list(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([SHAREGPT, OPENAI, ALPACA], indent=1))
    text = path.read_text().splitlines()
    for example in read(path):
        assert text[example.origin.line - 1].strip().startswith("{")


def test_a_large_record_in_a_list(tmp_path: Path) -> None:
    long = "word " * 1_000_000
    records = [OPENAI, {"prompt": long, "completion": "Hello"}, OPENAI]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(records))
    assert [len(said(example)[0][1]) for example in read(path)] == [2, len(long), 2]


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    path = tmp_path / "a.parquet"
    parquet.write_table(arrow.Table.from_pylist([OPENAI, OPENAI]), path)
    assert [said(example) for example in read(path)] == [TALK, TALK]
    assert [example.origin.line for example in read(path)] == [1, 2]


def reply(text: str, role: str, rank: int | None, *replies: Any, **more: Any) -> dict[str, Any]:
    return {"text": text, "role": role, "rank": rank, "replies": list(replies), **more}


TREE = reply(
    "q",
    "prompter",
    None,
    reply("worse", "assistant", 1, reply("why?", "prompter", 0)),
    reply("unranked", "assistant", None),
    reply(
        "best",
        "assistant",
        0,
        reply("second", "prompter", 1, reply("a2", "assistant", 0)),
        reply("first", "prompter", 0, reply("bad", "assistant", 1), reply("good", "assistant", 0)),
        reply("gone", "prompter", 0, deleted=True),
    ),
)


def as_rows(tree: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    def walk(node: dict[str, Any], parent: str | None) -> None:
        key = f"m{len(rows)}"
        fields = {name: value for name, value in node.items() if name != "replies"}
        rows.append({**fields, "message_id": key, "parent_id": parent, "message_tree_id": "m0"})
        for one in node["replies"]:
            walk(one, key)

    walk(tree, None)
    return rows


@pytest.mark.parametrize("flat", [False, True], ids=["trees", "messages"])
class TestTrees:
    def path(self, tmp_path: Path, flat: bool) -> Path:
        records = as_rows(TREE) if flat else [{"message_tree_id": "t", "prompt": TREE}]
        return write(tmp_path / "trees.jsonl", *records)

    def test_the_best_path(self, flat: bool, tmp_path: Path) -> None:
        (example,) = read(self.path(tmp_path, flat))
        assert [text for _, text in said(example)] == ["q", "best", "first", "good"]

    def test_every_ranked_path_and_each_answer_once(self, flat: bool, tmp_path: Path) -> None:
        found = read(self.path(tmp_path, flat), paths=Paths.RANKED)
        assert [[text for _, text in said(example)] for example in found] == [
            ["q", "best", "first", "good"],
            ["q", "best", "first", "bad"],
            ["q", "best", "second", "a2"],
            ["q", "worse"],
        ]
        learned = [
            message.content
            for example in found
            if isinstance(example, Chat)
            for message, weight in zip(
                example.conversation.messages, example.message_weights, strict=True
            )
            if weight
        ]
        assert learned == ["best", "good", "bad", "a2", "worse"]


def test_messages_of_trees_may_come_in_any_order(tmp_path: Path) -> None:
    rows = as_rows(TREE)
    other = [{**row, "message_tree_id": "other"} for row in rows]
    found = read(write(tmp_path / "t.jsonl", *reversed(rows), *other))
    assert [len(said(example)) for example in found] == [4, 4]


def test_texts_and_notes(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Title\r\n\r\nSome words.\r\n", newline="")
    (example,) = read(tmp_path / "a.md")
    assert isinstance(example, Document)
    assert (example.text, example.language) == ("# Title\n\nSome words.\n", "markdown")


def test_a_file_of_secrets_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KEY=1\n")
    journal = Journal()
    assert list(read_all([Source(str(tmp_path / ".env"))], journal)) == []
    assert "holds secrets" in journal.first[0].reason


def test_a_long_text_comes_in_pieces_and_whole(tmp_path: Path) -> None:
    text = "".join(f"Paragraph {number} of them.\n\n" for number in range(40_000))
    (tmp_path / "long.txt").write_text(text)
    found = read(tmp_path / "long.txt")
    assert len(found) > 3
    assert "".join(one.text for one in found if isinstance(one, Document)) == text
    for one in found:
        assert isinstance(one, Document)
        line = text.splitlines()[one.origin.line - 1]
        assert one.text.startswith(line)


def test_a_folder_of_code_is_what_git_would_keep(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("build/\n")
    for name in (
        "src/a.py",
        "notes.md",
        "build/b.py",
        "data.json",
        ".env",
        ".venv/c.py",
        "x.min.js",
        "setup.py",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x" * 5000 if name == "x.min.js" else f"# {name}\n")
    journal = Journal()
    found = list(read_all([Source(str(tmp_path))], journal))
    paths = [one.path for one in found if isinstance(one, Document)]
    assert paths == ["notes.md", "setup.py", "src/a.py"]
    assert journal.rejected == {"it was generated, or is no text": 1}


def test_a_folder_of_data_files(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", OPENAI)
    write(tmp_path / "b.json", ALPACA)
    assert [said(example) for example in read(tmp_path)] == [TALK, TALK]


@pytest.mark.parametrize(
    "name", ["missing.json", "no/such/folder/at/all", "./history", "empty-folder"]
)
def test_what_is_not_there(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty-folder").mkdir()
    with pytest.raises(AssistantError, match=r"there is no such|nothing in it") as raised:
        list(read_all([Source(str(tmp_path / name))], Journal()))
    assert "\n" not in str(raised.value)


CHAT = Conversation((Message("user", "q"), Message("assistant", "a\u2028\n🙂")))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    from assistant.messages import CompletionRequest
    from assistant.prompts import Task
    from assistant_finetune.data import Origin

    here = Origin("somewhere", 3, "path 2")
    request = CompletionRequest("a = ", "\nb", "python", "x.py")
    written: list[Example] = [
        Chat(CHAT, here),
        Chat(CHAT, here, (0.0, 0.5)),
        Document("text", here, "notes.md", "markdown"),
        Hole(request, "1", here),
        Asked(Task.POLISH, "teh", "the", here, "markdown"),
    ]
    path = write(tmp_path / "own.jsonl", *map(own.fields, written))
    assert read(path) == written
