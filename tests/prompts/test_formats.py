"""The exact strings of each format, written down by hand from what the models were trained on."""

import pytest

from assistant.errors import PromptError
from assistant.messages import Conversation, Message
from assistant.prompts import CHAT_FORMATS
from assistant.prompts.chat import render_prompt, render_training
from assistant.prompts.segments import Segment
from tests.prompts.families import conversation, families

PLAIN = conversation("Hi", "Hello!", "Bye")
"""Two questions and an answer: a prompt for the second answer."""
WITH_SYSTEM = conversation("Hi", "Hello!", system="Be brief.")

VICUNA_LEAD = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
VICUNA_V0_LEAD = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions."
)
ALPACA_LEAD = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request."
)
# A last space belongs to the answer: tokenizers join it to the word behind it.
PROMPTS = {
    "vicuna_v1.1": (f"<s>{VICUNA_LEAD} USER: Hi ASSISTANT: Hello!</s>USER: Bye ASSISTANT:"),
    "vicuna_v0": (
        f"<s>{VICUNA_V0_LEAD}\n\n### Human: Hi\n### Assistant: Hello!"
        "\n### Human: Bye\n### Assistant:"
    ),
    "alpaca": (
        f"<s>{ALPACA_LEAD}\n\n### Instruction:\nHi\n\n### Response:Hello!</s>"
        "\n\n### Instruction:\nBye\n\n### Response:"
    ),
    "wizardlm_7b": "<s>Hi\n\n### Response:Hello!</s>\n\nBye\n\n### Response:",
    "wizard_vicuna": "<s>USER: Hi ASSISTANT: Hello!</s>USER: Bye ASSISTANT:",
    "guanaco": "<s>### Human: Hi### Assistant: Hello!### Human: Bye### Assistant:",
    "llama2": "<s>[INST] Hi [/INST] Hello! </s><s>[INST] Bye [/INST]",
    "llama3": (
        "<s><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nHello!<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    "chatml": (
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n"
        "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"
    ),
    "qwen3": (
        "<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\nHello!<|im_end|>\n"
        "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    ),
    "starter": "<s><|user|>Hi<|end|><|assistant|>Hello!<|end|><|user|>Bye<|end|><|assistant|>",
}
# What is learned stands in [[ ]].
TRAINED = {
    "vicuna_v1.1": "<s>Be brief. USER: Hi ASSISTANT:[[ Hello!</s>]]",
    "vicuna_v0": "<s>Be brief.\n\n### Human: Hi\n### Assistant:[[ Hello!\n###]]",
    "alpaca": ("<s>Be brief.\n\n### Instruction:\nHi\n\n### Response:[[Hello!</s>]]"),
    "wizardlm_7b": "<s>Be brief.\n\nHi\n\n### Response:[[Hello!</s>]]",
    "wizard_vicuna": "<s>Be brief. USER: Hi ASSISTANT:[[ Hello!</s>]]",
    "guanaco": "<s>Be brief.\n### Human: Hi### Assistant:[[ Hello!</s>]]",
    "llama2": "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST][[ Hello! </s>]]",
    "llama3": (
        "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n[[Hello!<|eot_id|>]]"
    ),
    "chatml": (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\n[[Hello!<|im_end|>]]\n"
    ),
    "qwen3": (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\n[[Hello!<|im_end|>]]\n"
    ),
    "starter": "<s><|system|>Be brief.<|end|><|user|>Hi<|end|><|assistant|>[[Hello!<|end|>]]",
}


def written(segments: list[Segment], *, marks: bool = False) -> str:
    text = "".join(
        f"[[{segment.text}]]" if marks and segment.learn else segment.text for segment in segments
    )
    return text.replace("]][[", "").replace("{bos}", "<s>").replace("{eos}", "</s>")


def test_every_format_is_written_down() -> None:
    assert set(PROMPTS) == set(TRAINED) == set(CHAT_FORMATS)


@pytest.mark.parametrize("name", CHAT_FORMATS)
def test_prompt(name: str) -> None:
    assert written(render_prompt(PLAIN, CHAT_FORMATS[name])) == PROMPTS[name]


@pytest.mark.parametrize("name", CHAT_FORMATS)
def test_training(name: str) -> None:
    rendered = render_training(WITH_SYSTEM, CHAT_FORMATS[name])
    assert written(rendered, marks=True) == TRAINED[name]


@pytest.mark.parametrize(
    ("name", "ends", "stops", "space"),
    [
        ("vicuna_v1.1", {"</s>"}, (), True),
        ("vicuna_v0", {"</s>"}, ("\n###",), True),
        ("alpaca", {"</s>"}, (), False),
        ("guanaco", {"</s>"}, ("###",), True),
        ("llama3", {"<|eot_id|>", "</s>"}, (), False),
        ("chatml", {"<|im_end|>", "</s>"}, (), False),
        ("starter", {"<|end|>", "</s>"}, (), False),
    ],
)
def test_how_an_answer_ends(name: str, ends: set[str], stops: tuple[str, ...], space: bool) -> None:
    family = families()["sentencepiece-first"]
    prompt = family.renderer(chat=name).chat(PLAIN)
    assert prompt.end_ids == {family.id(end) for end in ends}
    assert (prompt.stop, prompt.drop_space) == (stops, space)


def test_llama2_answers_begin_with_a_space_of_the_format() -> None:
    prompt = families()["sentencepiece-first"].renderer(chat="llama2").chat(PLAIN)
    assert prompt.drop_space


def test_an_answer_that_was_begun_has_no_space_of_the_format() -> None:
    renderer = families()["sentencepiece-first"].renderer(chat="vicuna_v1.1")
    assert not renderer.chat(conversation("Hi", "Hel")).drop_space


def test_a_system_text_needs_a_user_where_it_stands_in_the_users_turn() -> None:
    alone = Conversation((Message("system", "Be brief."), Message("assistant", "Hi")))
    with pytest.raises(PromptError, match="puts the system text into a user's message"):
        render_prompt(alone, CHAT_FORMATS["llama2"])


def test_a_vocabulary_without_the_formats_tokens_is_refused() -> None:
    family = families()["byte-level"]
    renderer = family.renderer(chat="chatml")
    spec = family.fast.to_str().replace("<|im_start|>", "<|another|>")
    bare = type(renderer)(
        type(renderer.tokenizer)(type(family.fast).from_str(spec)),
        chat_format=CHAT_FORMATS["chatml"],
    )
    with pytest.raises(PromptError, match=r"no token <\|im_start\|>.*choose another format"):
        bare.chat(PLAIN)
