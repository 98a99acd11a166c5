"""Requests check themselves, all problems at once."""

import pytest

from assistant.errors import PromptError, UsageError
from assistant.messages import Conversation, Message, SamplingParams


def test_all_problems_of_the_sampling_are_named_at_once() -> None:
    with pytest.raises(UsageError) as raised:
        SamplingParams(max_tokens=0, temperature=-1, top_p=0, stop=("",))
    for name in ("max_tokens", "temperature", "top_p", "stop"):
        assert name in str(raised.value)


def test_a_conversation_needs_a_turn_and_its_system_text_first() -> None:
    with pytest.raises(PromptError, match="no user or assistant message"):
        Conversation((Message("system", "be kind"),))
    with pytest.raises(PromptError, match="only stand first"):
        Conversation((Message("user", "hi"), Message("system", "be kind")))


def test_the_system_text_is_not_a_turn() -> None:
    conversation = Conversation((Message("system", "be kind"), Message("user", "hi")))
    assert conversation.system == "be kind"
    assert [turn.content for turn in conversation.turns] == ["hi"]
