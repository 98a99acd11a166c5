"""How each family of code models was taught to fill in the middle, as data.

Sources: the models' papers and cards (Code Llama, StarCoder, StarCoder2, DeepSeek-Coder,
Qwen2.5-Coder). The patterns are those of `assistant.prompts.pattern`.
"""

from dataclasses import dataclass
from functools import cached_property

from assistant.prompts.pattern import Pattern
from assistant.prompts.segments import BOS, EOS


@dataclass(frozen=True)
class FileContext:
    """How a family reads pieces of other files before the one that is written.

    A piece has the fields `{path}`, `{text}`, `{heading}`, its path as a comment, and `{comment}`,
    path and text as lines of comment.
    """

    prompt: str
    """Instead of the format's own; with `{files}`, `{project}`, `{path}` and `{heading}` too."""
    file: str
    """One piece of a file."""
    tokens: tuple[str, ...] = ()
    """The control tokens that appear in them."""

    @cached_property
    def file_pattern(self) -> Pattern:
        """One piece, split at its tokens."""
        return Pattern(self.file, self.tokens)


@dataclass(frozen=True)
class FimFormat:
    """One way of asking for the text between a prefix and a suffix.

    Where a family learned suffix-prefix-middle order it is used: while the user types, only the
    prompt's end changes, and the engine's prefix cache serves the rest.
    """

    name: str
    prompt: str
    """With `{prefix}` and `{suffix}`; the model goes on where it ends."""
    close: str
    """The control token that ends the middle; learned in training."""
    tokens: tuple[str, ...]
    """The control tokens that appear in the patterns."""
    stop_tokens: tuple[str, ...] = ()
    """Further control tokens that a model may end with, such as the start of another file."""
    context: FileContext | None = None
    """How it reads other files; None where they help it to nothing."""

    @cached_property
    def pattern(self) -> Pattern:
        """The prompt, split at its tokens."""
        return Pattern(self.prompt, self.tokens)

    @cached_property
    def context_pattern(self) -> Pattern:
        """The prompt where there are pieces of other files, split at its tokens."""
        assert self.context is not None
        return Pattern(self.context.prompt, (*self.tokens, *self.context.tokens))

    @property
    def all_tokens(self) -> tuple[str, ...]:
        """Every control token that a prompt may hold, or an answer end with."""
        return (*self.tokens, *self.stop_tokens, *(self.context.tokens if self.context else ()))

    @cached_property
    def end_tokens(self) -> tuple[str, ...]:
        """The control tokens that end a completion."""
        return tuple(dict.fromkeys([self.close, EOS, *self.stop_tokens]))


# Code Llama's tokens carry sentencepiece's space mark in their names.
_CODELLAMA = ("▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>")
_STARCODER = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<|endoftext|>")
_DEEPSEEK = ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")
_QWEN = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|endoftext|>")
_STARTER = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|end|>")

CODELLAMA = FimFormat(
    name="codellama",
    prompt=f"{BOS}▁<PRE>▁<SUF>{{suffix}}▁<MID> {{prefix}}",
    close="▁<EOT>",
    tokens=_CODELLAMA,
    # It learned from single files; in comments, others are text like that before it.
    context=FileContext(
        prompt=f"{BOS}▁<PRE>▁<SUF>{{suffix}}▁<MID> {{files}}{{prefix}}", file="{comment}"
    ),
)
STARCODER = FimFormat(
    name="starcoder",
    prompt="<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>",
    close="<|endoftext|>",
    tokens=_STARCODER,
    stop_tokens=("<file_sep>", "<fim_pad>"),
    context=FileContext(
        prompt="<fim_prefix>{files}{prefix}<fim_suffix>{suffix}<fim_middle>", file="{comment}"
    ),
)
STARCODER2 = FimFormat(
    name="starcoder2",
    prompt=STARCODER.prompt,
    close="<|endoftext|>",
    tokens=(*_STARCODER, "<file_sep>"),
    stop_tokens=("<file_sep>", "<fim_pad>", "<repo_name>"),
    context=FileContext(
        prompt="<repo_name>{project}{files}<file_sep><fim_prefix>{path}\n{prefix}"
        "<fim_suffix>{suffix}<fim_middle>",
        file="<file_sep>{path}\n{text}\n",
        tokens=("<repo_name>", "<file_sep>"),
    ),
)
DEEPSEEK = FimFormat(
    name="deepseek",
    prompt=f"{BOS}<｜fim▁begin｜>{{prefix}}<｜fim▁hole｜>{{suffix}}<｜fim▁end｜>",
    close=EOS,
    tokens=_DEEPSEEK,
    # A project's files, one behind the other, each below its path in a comment.
    context=FileContext(
        prompt=f"{BOS}<｜fim▁begin｜>{{files}}{{heading}}\n{{prefix}}"
        "<｜fim▁hole｜>{suffix}<｜fim▁end｜>",
        file="{heading}\n{text}\n\n",
    ),
)
QWEN = FimFormat(
    name="qwen",
    prompt="<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
    close="<|endoftext|>",
    tokens=_QWEN,
    stop_tokens=("<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<|im_end|>"),
    context=FileContext(
        prompt="<|repo_name|>{project}\n{files}<|file_sep|>{path}\n"
        "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        file="<|file_sep|>{path}\n{text}\n",
        tokens=("<|repo_name|>", "<|file_sep|>"),
    ),
)
STARTER = FimFormat(
    name="starter",
    prompt=f"{BOS}<|fim_suffix|>{{suffix}}<|fim_prefix|>{{prefix}}<|fim_middle|>",
    close="<|end|>",
    tokens=_STARTER,
)

FIM_FORMATS = {
    fim_format.name: fim_format
    for fim_format in (CODELLAMA, STARCODER2, STARCODER, DEEPSEEK, QWEN, STARTER)
}
