"""Every chat format written out by hand, as an oracle: what a conversation is, piece by piece.

Nothing here uses patterns, segments or the rule that gives a marker's last space to the text
behind it: each format says in plain Python which texts are tokenized apart from each other. A
number is the message that the piece belongs to.
"""

import functools
from collections.abc import Callable, Iterator

from assistant.messages import Conversation
from assistant.prompts import TextTokenizer
from tests.prompts.families import Family, families

Piece = tuple[str, int | None]
Format = Callable[[list[str], str | None], Iterator[Piece]]


class Token(str):
    """A control token by its name, which no text is ever taken for."""


BOS, EOS = Token("{bos}"), Token("{eos}")

_VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
_VICUNA_V0 = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions."
)
_ALPACA = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request."
)


def pairs(texts: list[str], first: int) -> Iterator[tuple[int, str, int, str]]:
    """Question and answer with their numbers."""
    for place in range(0, len(texts), 2):
        yield first + place, texts[place], first + place + 1, texts[place + 1]


def owned(system: str | None, default: str) -> tuple[str, int | None, int]:
    """The system text, whose it is, and the number of the first turn."""
    return (default, None, 0) if system is None else (system, 0, 1)


def user_assistant(texts: list[str], system: str | None, default: str) -> Iterator[Piece]:
    text, owner, first = owned(system, default)
    yield BOS, None
    if text:
        yield text, owner
    for number, (ask, question, reply, answer) in enumerate(pairs(texts, first)):
        yield " USER:" if number == 0 and text else "USER:", None
        yield " " + question, ask
        yield " ASSISTANT:", None
        yield " " + answer, reply
        yield EOS, reply


def vicuna(texts: list[str], system: str | None) -> Iterator[Piece]:
    return user_assistant(texts, system, _VICUNA)


def wizard_vicuna(texts: list[str], system: str | None) -> Iterator[Piece]:
    return user_assistant(texts, system, "")


def vicuna_v0(texts: list[str], system: str | None) -> Iterator[Piece]:
    text, owner, first = owned(system, _VICUNA_V0)
    yield BOS, None
    if text:
        yield text, owner
    for number, (ask, question, reply, answer) in enumerate(pairs(texts, first)):
        if number == 0:
            yield ("\n\n" if text else "") + "### Human:", None
        else:
            yield " Human:", None
        yield " " + question, ask
        yield "\n### Assistant:", None
        yield " " + answer, reply
        yield "\n###", reply


def alpaca(texts: list[str], system: str | None) -> Iterator[Piece]:
    text, owner, first = owned(system, _ALPACA)
    yield BOS, None
    if text:
        yield text, owner
    for number, (ask, question, reply, answer) in enumerate(pairs(texts, first)):
        yield ("\n\n" if number or text else "") + "### Instruction:\n", None
        yield question, ask
        yield "\n\n### Response:", None
        yield answer, reply
        yield EOS, reply


def wizardlm_7b(texts: list[str], system: str | None) -> Iterator[Piece]:
    text, owner, first = owned(system, "")
    yield BOS, None
    if text:
        yield text, owner
    for number, (ask, question, reply, answer) in enumerate(pairs(texts, first)):
        if number or text:
            yield "\n\n", None
        yield question, ask
        yield "\n\n### Response:", None
        yield answer, reply
        yield EOS, reply


def guanaco(texts: list[str], system: str | None) -> Iterator[Piece]:
    text, owner, first = owned(system, "")
    yield BOS, None
    if text:
        yield text, owner
    last = len(texts) // 2 - 1
    for number, (ask, question, reply, answer) in enumerate(pairs(texts, first)):
        if number == 0:
            yield ("\n" if text else "") + "### Human:", None
        else:
            yield " Human:", None
        yield " " + question, ask
        yield "### Assistant:", None
        yield " " + answer, reply
        yield (EOS if number == last else "###"), reply


def llama2(texts: list[str], system: str | None) -> Iterator[Piece]:
    text, owner, first = owned(system, "")
    for number, (ask, question, reply, answer) in enumerate(pairs(texts, first)):
        yield BOS, None
        if number == 0 and text:
            yield "[INST] <<SYS>>\n", None
            yield text, owner
            yield "\n<</SYS>>\n\n", None
            yield question, ask
        else:
            yield "[INST]", None
            yield " " + question, ask
        yield " [/INST]", None
        yield " " + answer, reply
        yield " ", reply
        yield EOS, reply


def llama3(texts: list[str], system: str | None) -> Iterator[Piece]:
    text, owner, first = owned(system, "")

    def turn(role: str, content: str, whose: int | None, end: int | None) -> Iterator[Piece]:
        yield Token("<|start_header_id|>"), None
        yield role, None
        yield Token("<|end_header_id|>"), None
        yield "\n\n", None
        yield content, whose
        yield Token("<|eot_id|>"), end

    yield BOS, None
    if text:
        yield from turn("system", text, owner, None)
    for ask, question, reply, answer in pairs(texts, first):
        yield from turn("user", question, ask, None)
        yield from turn("assistant", answer, reply, reply)


def chatml(texts: list[str], system: str | None, *, thought: bool = False) -> Iterator[Piece]:
    text, owner, first = owned(system, "")
    if text:
        yield Token("<|im_start|>"), None
        yield "system\n", None
        yield text, owner
        yield Token("<|im_end|>"), None
        yield "\n", None
    for ask, question, reply, answer in pairs(texts, first):
        yield Token("<|im_start|>"), None
        yield "user\n", None
        yield question, ask
        yield Token("<|im_end|>"), None
        yield "\n", None
        yield Token("<|im_start|>"), None
        yield "assistant\n", None
        if thought:
            yield Token("<think>"), None
            yield "\n\n", None
            yield Token("</think>"), None
            yield "\n\n", None
        yield answer, reply
        yield Token("<|im_end|>"), reply
        yield "\n", None


def qwen3(texts: list[str], system: str | None) -> Iterator[Piece]:
    return chatml(texts, system, thought=True)


def starter(texts: list[str], system: str | None) -> Iterator[Piece]:
    text, owner, first = owned(system, "")
    yield BOS, None
    if text:
        yield Token("<|system|>"), None
        yield text, owner
        yield Token("<|end|>"), None
    for ask, question, reply, answer in pairs(texts, first):
        yield Token("<|user|>"), None
        yield question, ask
        yield Token("<|end|>"), None
        yield Token("<|assistant|>"), None
        yield answer, reply
        yield Token("<|end|>"), reply


FORMATS: dict[str, Format] = {
    "vicuna_v1.1": vicuna,
    "vicuna_v0": vicuna_v0,
    "alpaca": alpaca,
    "wizardlm_7b": wizardlm_7b,
    "wizard_vicuna": wizard_vicuna,
    "guanaco": guanaco,
    "llama2": llama2,
    "llama3": llama3,
    "chatml": chatml,
    "qwen3": qwen3,
    "starter": starter,
}


@functools.cache
def _text_side(family: str) -> TextTokenizer:
    return families()[family].text_tokenizer()


def expected(
    conversation: Conversation, chat_format: str, family: Family
) -> tuple[list[int], list[int | None]]:
    """The ids of a conversation of whole exchanges, and for each the message it belongs to."""
    ids, owners = list[int](), list[int | None]()
    texts = [message.content for message in conversation.turns]
    encode = _text_side(family.name).encode_text
    start, behind_token = True, False
    for text, owner in FORMATS[chat_format](texts, conversation.system):
        if isinstance(text, Token):
            name = {BOS: family.bos, EOS: family.eos}.get(text, text)
            piece = [family.id(name)]
            start, behind_token = text == BOS, True
        elif not text:
            continue
        else:
            piece = encode(text, start=start, after_token=behind_token)
            start = behind_token = False
        ids += piece
        owners += [owner] * len(piece)
    return ids, owners
