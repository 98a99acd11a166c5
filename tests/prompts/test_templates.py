"""Chat templates that refuse, change or leave out what they are given."""

import pytest

from assistant.errors import PromptError
from assistant.messages import Conversation, Message
from assistant.prompts import IGNORED, Renderer
from assistant.prompts.tokenizer import TemplateFunction
from tests.prompts.families import conversation, families
from tests.prompts.templates import template_renderer


def through(template: TemplateFunction) -> Renderer:
    return Renderer(families()["byte-level"].text_tokenizer(template))


def test_a_tokenizer_without_a_template() -> None:
    renderer = families()["byte-level"].renderer()
    assert not renderer.can_chat
    with pytest.raises(PromptError, match="no chat template: choose a chat format"):
        renderer.chat(conversation("Hi"))


def test_a_template_that_refuses() -> None:
    renderer = template_renderer("byte-level", "llama2-like")
    twice = Conversation((Message("user", "Hi"), Message("user", "Hi")))
    with pytest.raises(PromptError, match=r"template refuses this conversation: roles must alt"):
        renderer.chat(twice)


def test_a_conversation_that_the_assistant_begins() -> None:
    renderer = template_renderer("byte-level", "chatml-like")
    with pytest.raises(PromptError, match="must begin with a user's message"):
        renderer.chat(Conversation((Message("assistant", "Hi"),)))


def test_a_template_that_leaves_a_message_out() -> None:
    def last_only(messages: list[dict[str, str]], _: bool) -> str:
        return f"<|im_start|>user\n{messages[-1]['content']}<|im_end|>\n"

    prompt = through(last_only).chat(conversation("Hi", system="Be brief."))
    assert prompt.ids == families()["byte-level"].whole("<|im_start|>user\nHi<|im_end|>\n")


def test_a_template_that_moves_the_system_text() -> None:
    renderer = template_renderer("byte-level", "llama2-like")
    ids = renderer.chat(conversation("Hi", system="Be brief.")).ids
    text = "<|begin|>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST]"
    assert ids == families()["byte-level"].whole(text)


def test_a_template_that_trims() -> None:
    renderer = template_renderer("byte-level", "trimming")
    trimmed = renderer.chat_training(conversation("Hi", "Hello there"))
    assert renderer.chat_training(conversation("  Hi\n\n", "\nHello there ")) == trimmed


def test_the_end_of_an_empty_answer_is_learned() -> None:
    family = families()["byte-level"]
    encoded = template_renderer("byte-level", "chatml-like").chat_training(conversation("Hi", ""))
    learned = [label for label in encoded.labels if label != IGNORED]
    assert learned == [family.id("<|im_end|>")]


def test_every_end_of_turn_ends_the_answer() -> None:
    family = families()["byte-level"]
    prompt = template_renderer("byte-level", "trimming").chat(conversation("Hi"))
    assert {family.id("<|eot_id|>"), family.id("<|endoftext|>")} <= prompt.end_ids
