"""Ordinary conversations become exactly the ids that the models were trained on.

The strings are written down by hand from the models' own descriptions, and tokenized whole, as
their training did.
"""

import pytest

from assistant.messages import Conversation
from tests.prompts.families import conversation, families
from tests.prompts.templates import TEMPLATES, template_renderer, wrapped

TALK = conversation("Hello there, how are you?", "I am well.", "What is it?", "It is 42.")
WITH_SYSTEM = conversation(
    "What is it?", "It is 42.", "And 你好?", "Hello\nworld!", system="Be brief."
)
SENTENCEPIECE = ("sentencepiece-first", "sentencepiece-always", "sentencepiece-legacy")

CHATML = (
    "<|im_start|>user\nHello there, how are you?<|im_end|>\n"
    "<|im_start|>assistant\nI am well.<|im_end|>\n"
    "<|im_start|>user\nWhat is it?<|im_end|>\n"
    "<|im_start|>assistant\nIt is 42.<|im_end|>\n"
)
LLAMA3 = (
    "<|begin|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nWhat is it?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nIt is 42.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nAnd 你好?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nHello\nworld!<|eot_id|>"
)
STARTER = (
    "<|begin|><|system|>Be brief.<|end|><|user|>What is it?<|end|><|assistant|>It is 42.<|end|>"
    "<|user|>And 你好?<|end|><|assistant|>Hello\nworld!<|end|>"
)
VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions. "
    "USER: Hello there, how are you? ASSISTANT: I am well.</s>"
    "USER: What is it? ASSISTANT: It is 42.</s>"
)
LLAMA2_TURNS = (
    "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nWhat is it? [/INST] It is 42. ",
    "[INST] And 你好? [/INST] Hello\nworld! ",
)


@pytest.mark.parametrize(
    ("fmt", "text", "talk"),
    [("chatml", CHATML, TALK), ("llama3", LLAMA3, WITH_SYSTEM), ("starter", STARTER, WITH_SYSTEM)],
    ids=["chatml", "llama3", "starter"],
)
def test_byte_level_formats(fmt: str, text: str, talk: Conversation) -> None:
    family = families()["byte-level"]
    assert family.renderer(chat=fmt).chat_training(talk).ids == family.whole(text)


@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_vicuna(name: str) -> None:
    family = families()[name]
    assert family.renderer(chat="vicuna_v1.1").chat_training(TALK).ids == family.with_bos(VICUNA)


@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_llama2_tokenizes_each_pair_of_turns_by_itself(name: str) -> None:
    family = families()[name]
    pairs = [[*family.with_bos(turn), family.id("</s>")] for turn in LLAMA2_TURNS]
    expected = tuple(number for pair in pairs for number in pair)
    assert family.renderer(chat="llama2").chat_training(WITH_SYSTEM).ids == expected


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("name", ["byte-level", *SENTENCEPIECE])
@pytest.mark.parametrize("talk", [TALK, WITH_SYSTEM], ids=["plain", "with system"])
def test_templates(name: str, template: str, talk: Conversation) -> None:
    renderer = template_renderer(name, template)
    messages = [{"role": m.role, "content": m.content} for m in talk.messages]

    def ids(count: int, for_answer: bool) -> tuple[int, ...]:
        found = wrapped(name, template).apply_chat_template(
            messages[:count], tokenize=True, return_dict=False, add_generation_prompt=for_answer
        )
        return tuple(found)

    assert renderer.chat_training(talk).ids == ids(len(messages), for_answer=False)
    before = conversation(*(m.content for m in talk.turns[:-1]), system=talk.system)
    assert renderer.chat(before).ids == ids(len(messages) - 1, for_answer=True)
