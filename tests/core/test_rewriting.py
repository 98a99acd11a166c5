"""Rewriting keeps the user's words wherever the model's answer would lose some of them."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from assistant.client import ModelCard
from assistant.errors import ServerError
from assistant.messages import Conversation, SamplingParams
from assistant.prompts.tasks import Task, Wording
from assistant.rewriting import answer, continued, followed, rewritten

CARD = ModelCard(
    "m", context=2048, wording=Wording.BRIEF, chat=True, fim=True, reads=(), description=""
)
TEXT = "# Title\n\nThe first paragraph has some words.\n\n```\ncode\n```\n\nThe second one too.\n"


class Scripted:
    """A client that gives scripted answers, in pieces of a few characters."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.closed = 0

    async def stream_chat(
        self, conversation: Conversation, params: SamplingParams
    ) -> AsyncGenerator[str, None]:
        text = self.answers.pop(0)
        try:
            for place in range(0, len(text), 5):
                yield text[place : place + 5]
        finally:
            self.closed += 1


def scripted(*answers: str) -> Any:
    return Scripted(*answers)


async def test_each_paragraph_is_replaced_by_its_answer() -> None:
    client = scripted("The first paragraph has words.", "The second has, too.")
    new = await rewritten(Task.POLISH, TEXT, client, CARD)
    assert new == TEXT.replace("some words", "words").replace("one too", "has, too")


@pytest.mark.parametrize("useless", ["", "   ", "and so on and on, " * 30, "x" * 200])
async def test_a_useless_answer_keeps_the_users_words(useless: str) -> None:
    client = scripted(useless, "The second one, too.")
    new = await rewritten(Task.POLISH, TEXT, client, CARD)
    assert new == TEXT.replace("one too", "one, too")


async def test_an_answer_that_lost_half_the_text_is_not_taken() -> None:
    text = "A sentence that is long enough to notice. " * 5
    client = scripted("A sentence that is long enough.")
    assert await rewritten(Task.POLISH, text, client, CARD) == text


async def test_a_model_that_goes_in_circles_is_stopped() -> None:
    client = scripted("Return the item" + " in items" * 1000)
    found = await answer(Task.EXPLAIN, "def f(): ...", client, CARD)
    assert found == "Return the item in items"
    assert client.closed == 1


async def test_a_continuation_stands_behind_all_that_was_there() -> None:
    assert await continued("One sentence.", scripted(" And more."), CARD) == (
        "One sentence. And more.\n"
    )
    assert await continued("One.\n\n", scripted("Two."), CARD) == "One.\n\nTwo.\n"
    assert await continued("今天天气很好。", scripted("我们去公园。"), CARD) == (
        "今天天气很好。我们去公园。\n"
    )
    assert await continued("One.", scripted(""), CARD) == "One."


async def test_an_instruction_of_the_users_is_followed() -> None:
    client = scripted("  Hi there.\n")
    large = replace(CARD, wording=Wording.FULL)
    assert await followed("Be friendly.", "Hello.", client, large) == "Hi there."
    with pytest.raises(ServerError, match="larger model"):
        await followed("Be friendly.", "Hello.", client, CARD)


async def test_an_instruction_that_ends_in_circles_gives_nothing() -> None:
    client = scripted("Friendly. " * 100)
    assert await followed("Be friendly.", "Hi.", client, replace(CARD, wording=Wording.FULL)) == ""
