"""What a web page did to conversations is undone; honest text, code above all, stays as it is."""

import pytest

from assistant_finetune.data import Chat, Journal, Origin
from assistant_finetune.data.cleaning.language import language_of_text
from assistant_finetune.data.cleaning.markup import markdown_of, without_page
from assistant_finetune.data.cleaning.sharegpt import clean
from assistant_finetune.data.forms import sharegpt

HERE = Origin("a.json", 1)
PAGE = """<div class="markdown prose w-full"><p>Use <code>a_b</code> &amp; <em>wait</em>:</p>
<pre><div class="bg-black"><div class="flex"><span>python</span><button>Copy code</button></div>
<div class="p-4"><code class="hljs language-python"><span class="k">def</span> f(x):
    <span class="k">return</span> x &lt; 3  # 2 * 3 * 4
</code></div></div></pre><ol><li>one</li><li>two</li></ol>
<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table></div>"""


def test_a_page_becomes_markdown() -> None:
    text = markdown_of(PAGE)
    assert "Use `a_b` & *wait*:" in text
    assert "```python\ndef f(x):\n    return x < 3  # 2 * 3 * 4\n```" in text
    assert "1. one\n2. two" in text
    assert "| a |" in text
    for gone in ("Copy code", "<div", "<span"):
        assert gone not in text


@pytest.mark.parametrize(
    "answer",
    [
        "Write `<div>hi</div>` there.",
        "<div>hi</div>",
        "<p>Hi <button onclick='f()'>there</button></p>",
        "<table><tr><td><input name='x'></td></tr></table>",
        "```html\n<div class='a'>\n  <p>Copy me</p>\n</div>\n```",
        "1 / 2 is a half.",
        "7 / 3\nis more than two",
        "a < b and c > d",
        "OpenAI's API: `openai.ChatCompletion.create(model='gpt-4')`",
        "Sorry, I cannot do that as an AI language model.",
        "Use the button Copy code to copy.",
        "    indented\n\ttabs\n\n\n\nlines",
        "snake_case_name * 2 ** 3 \\n",
    ],
)
def test_honest_text_is_left_as_it_is(answer: str) -> None:
    left, journal = cleaned("h:q", f"g:{answer}")
    assert left == ["q", answer]
    assert journal.changed.total() == 0


def test_a_page_shows_every_answer_so() -> None:
    assert cleaned("h:q", "g:<p>One</p>", "h:r", "g:<p>Two <b>2</b></p>")[0] == [
        "q",
        "One",
        "r",
        "Two **2**",
    ]
    snippet = "<ul><li>one</li></ul>"
    assert cleaned("h:q", f"g:{snippet}", "h:r", "g:It is a list.")[0][1] == snippet
    assert cleaned("h:q", f"g:{PAGE}", "h:r", "g:`x`")[0][1].startswith("Use `a_b` &")


@pytest.mark.parametrize(
    ("answer", "cleaned"),
    [
        ("2 / 3\n\nThe answer.", "The answer."),
        ("Copy\n\n120 chars / 20 words\nText", "Text"),
        ("```python\nCopy code\nx = 1\n```", "```python\nx = 1\n```"),
        ("```\npythonCopy code\nx = 1\n```", "```python\nx = 1\n```"),
        ("```pythonCopy code`\nx = 1\n```", "```python\nx = 1\n```"),
    ],
)
def test_counters_and_buttons_are_taken_out(answer: str, cleaned: str) -> None:
    assert without_page(answer) == cleaned


def cleaned(*turns: str) -> tuple[list[str], Journal]:
    """The contents that are left; `h:` is the human, `g:` the model, `s:` the system."""
    names = {"h": "human", "g": "gpt", "s": "system"}
    messages = [{"from": names[turn[0]], "value": turn[2:]} for turn in turns]
    (chat,) = sharegpt.read({"conversations": messages}, HERE)
    journal = Journal()
    left = clean(chat, journal)
    return [m.content for m in left.conversation.messages] if left else [], journal


@pytest.mark.parametrize(
    ("turns", "left", "change"),
    [
        (("h:q", "g:a"), ["q", "a"], None),
        (("s:be", "h:q", "g:a"), ["be", "q", "a"], None),
        (("g:hi", "h:q", "g:a"), ["q", "a"], "answers before the first question left out"),
        (("h:q", "g:a", "h:more?"), ["q", "a"], "a last question without an answer left out"),
        (("h:q", "g:a", "h:x", "h:y", "g:b"), ["q", "a"], "cut at a broken pair"),
        (("h:q", "g:a", "g:b", "h:x", "g:y"), ["q", "a"], "cut at a broken pair"),
        (("h:q", "g:a", "h:x", "g: ", "h:y", "g:b"), ["q", "a"], "cut at a broken pair"),
        (("h:q", "g:a", "h:x", "g:\u200b"), ["q", "a"], "cut at a broken pair"),
        (
            ("h:q", "g:a", "h:x", "g:Too many requests in 1 hour. Try again later."),
            ["q", "a"],
            "cut at a broken pair",
        ),
    ],
)
def test_whole_pairs_are_kept(turns: tuple[str, ...], left: list[str], change: str | None) -> None:
    found, journal = cleaned(*turns)
    assert found == left
    assert set(journal.changed) == ({change} if change else set())
    assert journal.rejected.total() == 0


def test_a_conversation_without_a_pair_is_named() -> None:
    found, journal = cleaned("h:q", "h:r", "g:a")
    assert found == []
    assert "no whole pair" in journal.first[0].reason


def test_weights_go_with_their_messages() -> None:
    messages = [
        {"from": "gpt", "value": "hi"},
        {"from": "human", "value": "q"},
        {"from": "gpt", "value": "a", "weight": 0.5},
    ]
    (chat,) = sharegpt.read({"conversations": messages}, HERE)
    left = clean(chat, Journal())
    assert isinstance(left, Chat)
    assert left.weights == (0.0, 0.5)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I sort a list of dictionaries by one of their keys?", "en"),
        ("Wie sortiere ich eine Liste von Wörterbüchern nach einem Schlüssel?", "de"),
        ("如何按照某个键对字典列表进行排序？", "zh"),
        ("辞書のリストをキーで並べ替えるにはどうすればいいですか。", "ja"),
        ("ok", "unknown"),
        ("```python\nfor item in the_list: print(item)\n```", "unknown"),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert language_of_text(text) == language
