"""How each family of code models was taught to fill in the middle, as data.

Sources: the models' papers and cards (Code Llama, StarCoder, DeepSeek-Coder, Qwen2.5-Coder). The
patterns are those of `assistant.prompts.pattern`.
"""

from dataclasses import dataclass
from functools import cached_property

from assistant.prompts.pattern import Pattern
from assistant.prompts.segments import BOS, EOS


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

    @cached_property
    def pattern(self) -> Pattern:
        """The prompt, split at its tokens."""
        return Pattern(self.prompt, self.tokens)

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
)
STARCODER = FimFormat(
    name="starcoder",
    prompt="<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>",
    close="<|endoftext|>",
    tokens=_STARCODER,
    stop_tokens=("<file_sep>", "<fim_pad>"),
)
DEEPSEEK = FimFormat(
    name="deepseek",
    prompt=f"{BOS}<｜fim▁begin｜>{{prefix}}<｜fim▁hole｜>{{suffix}}<｜fim▁end｜>",
    close=EOS,
    tokens=_DEEPSEEK,
)
QWEN = FimFormat(
    name="qwen",
    prompt="<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
    close="<|endoftext|>",
    tokens=_QWEN,
    stop_tokens=("<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<|im_end|>"),
)
STARTER = FimFormat(
    name="starter",
    prompt=f"{BOS}<|fim_suffix|>{{suffix}}<|fim_prefix|>{{prefix}}<|fim_middle|>",
    close="<|end|>",
    tokens=_STARTER,
)

FIM_FORMATS = {
    fim_format.name: fim_format for fim_format in (CODELLAMA, STARCODER, DEEPSEEK, QWEN, STARTER)
}
