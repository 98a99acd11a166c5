"""Tokenizers like those of the real families, made here from a few lines of text."""

import functools
import json
from dataclasses import dataclass
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from assistant.messages import Conversation, Message
from assistant.prompts import CHAT_FORMATS, FIM_FORMATS, Renderer, TextTokenizer
from assistant.prompts.tokenizer import TemplateFunction

CONTROL = tuple(
    dict.fromkeys(
        name
        for names in (
            *(one.tokens for one in CHAT_FORMATS.values()),
            *(one.all_tokens for one in FIM_FORMATS.values()),
        )
        for name in names
    )
)
CORPUS = (
    "A chat between a curious user and an artificial intelligence assistant.",
    "USER: Hello there, how are you? ASSISTANT: I am well, thank you.",
    "### Instruction:\nWrite a function.\n\n### Response:def add(first, second):",
    "    return first + second\n\nclass Point:\n    def __init__(self, x, y):",
    "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nWhat is it? [/INST] It is 42.",
    "user assistant system 你好世界 naïve café",
)
_WORDS = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+(?!\S)|\s+"


@dataclass(frozen=True)
class Family:
    """A tokenizer as `tokenizers` has it, and the names of its outer tokens."""

    name: str
    fast: Tokenizer
    bos: str
    eos: str

    def text_tokenizer(self, template: TemplateFunction | None = None) -> TextTokenizer:
        return TextTokenizer(self.fast, bos=self.bos, eos=self.eos, template=template)

    def renderer(self, chat: str | None = None, fim: str | None = None) -> Renderer:
        return Renderer(
            self.text_tokenizer(),
            chat_format=CHAT_FORMATS[chat] if chat else None,
            fim_format=FIM_FORMATS[fim] if fim else None,
        )

    def whole(self, text: str) -> tuple[int, ...]:
        """The text tokenized all at once, control tokens searched in it and none added."""
        return tuple(self.fast.encode(text, add_special_tokens=False).ids)

    def with_bos(self, text: str) -> tuple[int, ...]:
        """The same with the token that begins every text added, as training code does."""
        return tuple(self.fast.encode(text, add_special_tokens=True).ids)

    def id(self, name: str) -> int:
        number = self.fast.token_to_id(name)
        assert number is not None
        return int(number)


def byte_level() -> Family:
    """In the manner of Llama 3 and Qwen: bytes, and words cut by a pattern."""
    fast = Tokenizer(BPE())
    fast.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    fast.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=600,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    fast.train_from_iterator(CORPUS, trainer)
    return _finished("byte-level", fast, "<|begin|>", "<|endoftext|>")


def sentencepiece(scheme: str) -> Family:
    """In the manner of Llama 2, whose description differs by the age of the file.

    `scheme` is `first` or `always` (a Metaspace pre-tokenizer), or `legacy` (a normalizer).
    """
    spaced = Tokenizer(BPE())
    spaced.pre_tokenizer = pre_tokenizers.Sequence(
        # No piece of theirs spans lines: a line break is spelled as a byte.
        [pre_tokenizers.Split("\n", "removed"), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    spaced.train_from_iterator(CORPUS, BpeTrainer(vocab_size=500, show_progress=False))
    learned = json.loads(spaced.to_str())["model"]
    model = _with_bytes(learned["vocab"], learned["merges"])
    spec: dict[str, Any] = json.loads(Tokenizer(BPE()).to_str())
    spec["model"] = model
    fast = Tokenizer.from_str(json.dumps(spec))
    if scheme == "legacy":
        fast.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
    else:
        fast.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    fast.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1, right=0),
        ]
    )
    return _finished(f"sentencepiece-{scheme}", fast, "<s>", "</s>")


def _with_bytes(vocab: dict[str, int], merges: list[Any]) -> dict[str, Any]:
    """A BPE model that spells unknown characters in bytes."""
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *vocab]
    return {
        "type": "BPE",
        "vocab": {name: number for number, name in enumerate(dict.fromkeys(names))},
        "merges": merges,
        "unk_token": "<unk>",
        "fuse_unk": True,
        "byte_fallback": True,
    }


def _finished(name: str, fast: Tokenizer, bos: str, eos: str) -> Family:
    fast.add_special_tokens([bos, eos, *(token for token in CONTROL if token != eos)])
    number = fast.token_to_id(bos)
    fast.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, number)]
    )
    return Family(name, fast, bos, eos)


@functools.cache
def families() -> dict[str, Family]:
    """All of them by name."""
    made = [byte_level(), *(sentencepiece(scheme) for scheme in ("first", "always", "legacy"))]
    return {family.name: family for family in made}


FAMILIES = ("byte-level", "sentencepiece-first", "sentencepiece-always", "sentencepiece-legacy")


def conversation(*texts: str, system: str | None = None) -> Conversation:
    """The texts as turns of the user and the assistant in turn."""
    first = (Message("system", system),) if system is not None else ()
    turns = (
        Message("assistant" if index % 2 else "user", text) for index, text in enumerate(texts)
    )
    return Conversation((*first, *turns))
