"""How each family of chat models was taught to read a conversation, as data.

Sources: the models' own training code and cards (FastChat's conversation templates for Vicuna,
Stanford Alpaca, WizardLM, Guanaco's dataset, Meta's Llama 2 and Llama 3 reference code, OpenAI's
ChatML). The patterns are those of `assistant.prompts.pattern`.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from assistant.prompts.pattern import Pattern
from assistant.prompts.segments import EOS, Kind


@dataclass(frozen=True)
class ChatFormat:
    """One way of writing a conversation down."""

    name: str
    user: str
    """A user's turn, with `{content}`, and `{system}` where the system text stands inside it."""
    answer: str
    """What leads the assistant to answer, written before its text."""
    close: str
    """What ends the assistant's last turn; learned in training."""
    system: str = ""
    """The system text, with `{content}`; before the first turn unless `user` has `{system}`."""
    default_system: str = ""
    """The system text of a conversation without one."""
    bos: bool = True
    """Whether the prompt begins with the tokenizer's beginning-of-text token, where it has one."""
    close_between: str | None = None
    """What ends an assistant's turn that another turn follows, where it is not `close`."""
    user_after: str | None = None
    """A user's turn behind an assistant's, where it is not written as `user`."""
    after_close: str = ""
    """What stands behind a finished assistant turn; not learned."""
    tokens: tuple[str, ...] = ()
    """The control tokens that appear in the patterns."""
    stop: tuple[str, ...] = ()
    """Texts that end an answer, for formats that close a turn with words."""

    def pattern(self, source: str) -> Pattern:
        """One of this format's strings, split at its tokens."""
        return Pattern(source, self.tokens)

    @cached_property
    def end_tokens(self) -> tuple[str, ...]:
        """The control tokens that end an answer."""
        closing = self.pattern(self.close).fill({})
        names = [segment.text for segment in closing if segment.kind is Kind.TOKEN]
        return tuple(dict.fromkeys([*names, EOS]))


_VICUNA_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
_LLAMA3_HEADER = "<|start_header_id|>{}<|end_header_id|>\n\n"

VICUNA_V1_1 = ChatFormat(
    name="vicuna_v1.1",
    system="{content} ",
    default_system=_VICUNA_SYSTEM,
    user="USER: {content} ",
    answer="ASSISTANT: ",
    close="{eos}",
)
VICUNA_V0 = ChatFormat(
    name="vicuna_v0",
    system="{content}\n\n",
    default_system=(
        "A chat between a curious human and an artificial intelligence assistant. "
        "The assistant gives helpful, detailed, and polite answers to the human's questions."
    ),
    user="### Human: {content}\n",
    user_after=" Human: {content}\n",
    answer="### Assistant: ",
    close="\n###",
    stop=("\n###",),
)
ALPACA = ChatFormat(
    name="alpaca",
    system="{content}\n\n",
    default_system=(
        "Below is an instruction that describes a task. "
        "Write a response that appropriately completes the request."
    ),
    user="### Instruction:\n{content}\n\n",
    user_after="\n\n### Instruction:\n{content}\n\n",
    answer="### Response:",
    close="{eos}",
)
WIZARDLM_7B = ChatFormat(
    name="wizardlm_7b",
    system="{content}\n\n",
    user="{content}\n\n",
    user_after="\n\n{content}\n\n",
    answer="### Response:",
    close="{eos}",
)
WIZARD_VICUNA = ChatFormat(
    name="wizard_vicuna",
    system="{content} ",
    user="USER: {content} ",
    answer="ASSISTANT: ",
    close="{eos}",
)
GUANACO = ChatFormat(
    name="guanaco",
    system="{content}\n",
    user="### Human: {content}",
    user_after=" Human: {content}",
    answer="### Assistant: ",
    close_between="###",
    close="{eos}",
    stop=("###",),
)
LLAMA2 = ChatFormat(
    name="llama2",
    bos=False,
    system="<<SYS>>\n{content}\n<</SYS>>\n\n",
    user="{bos}[INST] {system}{content} [/INST]",
    answer=" ",
    close=" {eos}",
)
LLAMA3 = ChatFormat(
    name="llama3",
    system=_LLAMA3_HEADER.format("system") + "{content}<|eot_id|>",
    user=_LLAMA3_HEADER.format("user") + "{content}<|eot_id|>",
    answer=_LLAMA3_HEADER.format("assistant"),
    close="<|eot_id|>",
    tokens=("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
)
CHATML = ChatFormat(
    name="chatml",
    bos=False,
    system="<|im_start|>system\n{content}<|im_end|>\n",
    user="<|im_start|>user\n{content}<|im_end|>\n",
    answer="<|im_start|>assistant\n",
    close="<|im_end|>",
    after_close="\n",
    tokens=("<|im_start|>", "<|im_end|>"),
)
# Qwen3 thinks aloud first unless its answer begins with an empty thought.
QWEN3 = replace(
    CHATML,
    name="qwen3",
    answer="<|im_start|>assistant\n<think>\n\n</think>\n\n",
    tokens=(*CHATML.tokens, "<think>", "</think>"),
)
STARTER = ChatFormat(
    name="starter",
    system="<|system|>{content}<|end|>",
    user="<|user|>{content}<|end|>",
    answer="<|assistant|>",
    close="<|end|>",
    tokens=("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
)

CHAT_FORMATS = {
    chat_format.name: chat_format
    for chat_format in (
        VICUNA_V1_1,
        VICUNA_V0,
        ALPACA,
        WIZARDLM_7B,
        WIZARD_VICUNA,
        GUANACO,
        LLAMA2,
        LLAMA3,
        CHATML,
        QWEN3,
        STARTER,
    )
}
TEMPLATE = "template"
"""The name that stands for the tokenizer's own chat template."""
