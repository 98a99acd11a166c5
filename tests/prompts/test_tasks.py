"""What is said to the model for each task, and how a chat model is brought to complete code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.messages import CompletionRequest
from assistant.prompts import CHAT_FORMATS, FIM_FORMATS, Task, Wording, ask, clean_answer
from assistant.prompts.languages import is_chinese
from assistant.prompts.tasks import PREFILL_CHARACTERS, fill_in, fill_in_stops, instruct
from assistant.prompts.tokenizer import well_formed
from assistant.registry import load_registry
from tests.prompts.families import FAMILIES, families

PREFIX = (
    "import os\n\n\ndef first():\n    return 1\n\n\n"
    "def second(argument):\n    value = argument + 1\n    ret"
)
SUFFIX = "\n\n\nprint(second(1))\n"
REQUEST = CompletionRequest(PREFIX, SUFFIX, "python", "example.py")


@given(prefix=st.text(), suffix=st.text(), language=st.sampled_from(["python", "markdown", ""]))
def test_the_answer_begins_with_what_stands_before_the_cursor(
    prefix: str, suffix: str, language: str
) -> None:
    talk = fill_in(CompletionRequest(prefix, suffix, language))
    assert [message.role for message in talk.messages] == ["user", "assistant"]
    question, begun = (message.content for message in talk.messages)
    assert begun.endswith(prefix[-PREFILL_CHARACTERS:])
    assert prefix in question
    if suffix.strip():
        assert question.index(suffix) < question.rindex(prefix)


def test_the_answer_begins_with_whole_lines() -> None:
    begun = fill_in(REQUEST).messages[-1].content
    assert begun == "```python\ndef second(argument):\n    value = argument + 1\n    ret"
    assert fill_in_stops(REQUEST) == ("\n```",)


def test_prose_begins_without_a_fence() -> None:
    note = CompletionRequest("Dear Ada,\n\nthank you for", "", "markdown")
    assert fill_in(note).messages[-1].content == "Dear Ada,\n\nthank you for"
    assert fill_in_stops(note) == ()


def test_fences_in_the_code_do_not_end_it() -> None:
    question = fill_in(CompletionRequest("a = '''\n```\n'''\n", "x", "python")).messages[0].content
    assert "````python\na = '''" in question


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("fmt", ["vicuna_v1.1", "wizard_vicuna", "llama2", "chatml"])
def test_a_chat_model_completes_by_going_on_with_its_answer(family: str, fmt: str) -> None:
    made = families()[family]
    renderer = made.renderer(chat=fmt)
    prompt = renderer.complete(REQUEST)
    text = renderer.tokenizer.decode(prompt.ids)
    assert text.endswith(well_formed(PREFIX[-PREFILL_CHARACTERS:]))
    assert "\n```" in prompt.stop
    assert not prompt.drop_space
    fim_ids = {made.fast.token_to_id(name) for fim in FIM_FORMATS.values() for name in fim.tokens}
    assert fim_ids.isdisjoint(prompt.ids)


def test_the_registry_gives_vicuna_no_fill_in_the_middle() -> None:
    vicunas = [spec for spec in load_registry().values() if spec.name.startswith("vicuna")]
    assert vicunas
    assert {(spec.chat_format, spec.fim_format) for spec in vicunas} == {("vicuna_v1.1", "none")}


def test_chinese_text_gets_chinese_wording() -> None:
    for task in Task:
        asked = ask(task, "今天天气很好", language="python").messages[0].content
        assert is_chinese(asked.removesuffix("今天天气很好")), task
        english = ask(task, "The weather is fine.").messages[0].content
        assert english.isascii(), task
    comment = CompletionRequest("# 计算两个数的和\ndef ", "", "python")
    assert "光标" in fill_in(comment).messages[0].content
    assert "cursor" in fill_in(REQUEST).messages[0].content


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("", False),
        ("plain English", False),
        ("naïve café", False),
        ("今天我们用 Python 和 Docker 部署了 server", True),
        ("# 会议记录\n- deploy 完成\n- review PR", True),
        ("The word 你好 means hello in the Chinese language", False),
        ("これは日本語", False),
        ("今天学了日语的「は」和「が」这两个助词", True),
        ("def add(a, b):\n    return a + b  # 加", False),
        ("𠀀𠀁", True),
    ],
)
def test_which_notes_are_chinese(text: str, chinese: bool) -> None:
    assert is_chinese(text) is chinese


@pytest.mark.parametrize("task", Task)
def test_the_text_stands_last(task: Task) -> None:
    for wording in Wording:
        asked = ask(task, "the very text", wording=wording, language="go", problem="a problem")
        content = asked.messages[0].content
        assert content.endswith("the very text")
        assert "a problem" in content
        assert "{language}" not in content
    assert ask(task, "x", wording=Wording.BRIEF).messages[0].content == f"{task.value}:\nx"


@pytest.mark.parametrize(
    ("task", "answer", "wanted"),
    [
        (Task.FIX, "Sure:\n```python\nx = 1\n```\nDone.", "x = 1"),
        (Task.FIX, "```\nx = 1\ny = 2", "x = 1\ny = 2"),
        (Task.FIX, "\n    x = 1\n", "    x = 1"),
        (Task.COMMENT_TO_CODE, "```py\n    a\n    b\n```", "    a\n    b"),
        (Task.DOCSTRING, '"""Do it."""', "Do it."),
        (Task.POLISH, "  Fine.\n", "Fine."),
        (Task.POLISH, "```\nkept\n```", "```\nkept\n```"),
    ],
)
def test_clean_answer(task: Task, answer: str, wanted: str) -> None:
    assert clean_answer(task, answer) == wanted


def test_every_chat_format_can_complete() -> None:
    for fmt in CHAT_FORMATS:
        assert families()["byte-level"].renderer(chat=fmt).complete(REQUEST).ids


@pytest.mark.parametrize(
    ("instruction", "frame"),
    [("Be brief.", "Answer with the result alone"), ("写得友好些", "只回答结果")],
)
def test_an_instruction_stands_before_the_text_in_its_own_language(
    instruction: str, frame: str
) -> None:
    (message,) = instruct(instruction, "Some text.").messages
    assert message.content.startswith(instruction)
    assert frame in message.content
    assert message.content.endswith("\n\nSome text.")
