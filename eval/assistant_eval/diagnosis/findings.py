"""What can be wrong, and what a check says of it."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Cause(StrEnum):
    """What can make a score wrong; the value is its name for people and for scripts."""

    WRONG_SIZE = "wrong size"
    OTHER_SIZE = "the number of another size"
    NON_FINITE = "weights that are no numbers"
    UNMERGED_DELTA = "a difference of models, not a model"
    IDLE_ADAPTER = "an adapter that changes nothing"
    STRETCHED_CONTEXT = "a longer context than it was made for"
    WRONG_BOS = "wrong BOS"
    WRONG_TOKENIZER = "wrong tokenizer"
    MISSING_TENSORS = "missing tensors"
    UNLABELLED = "quantized weights that nothing says how to read"
    WRONG_SHAPES = "tensors of another shape"
    DAMAGED_G_IDX = "damaged g_idx"
    SHIFTED_ZEROS = "shifted zero points"
    WRONG_KERNEL = "a kernel that computes something else"
    REFUSED = "a folder that cannot be loaded"
    USELESS_WEIGHTS = "weights that know nothing"
    CONSTANT_LETTER = "one letter for every question"
    BATCH_EFFECT = "answers that depend on the batch"
    WRONG_LETTER_TOKEN = "wrong letter token"
    RIGHT_CUT = "prompts cut at the right"
    LEFT_PADDING = "left padding without positions"
    WRONG_PROTOCOL = "another protocol"
    OTHER_MODEL = "the results of another model"
    BELOW_BAND = "a score below what is published"
    UNEXPLAINED = "a number that nothing here gives"

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return _REMEDIES[self]


_AGAIN = "download the folder again, and compare its files' SHA-256 with the publisher's"
_FAITHFUL = "measure again with `assistant eval mmlu`"
_REMEDIES = {
    Cause.WRONG_SIZE: "get the size that was meant, or compare with figures of this one",
    Cause.OTHER_SIZE: "make sure which model was measured, and compare with figures of its size",
    Cause.NON_FINITE: _AGAIN,
    Cause.UNMERGED_DELTA: "add the base model's weights to it, or get merged ones",
    Cause.IDLE_ADAPTER: "train the adapter again, or choose another one",
    Cause.STRETCHED_CONTEXT: "set rope_parameters as the model's makers say, or the context of its"
    " base",
    Cause.WRONG_BOS: "take config.json and all tokenizer files from the same version of the model",
    Cause.WRONG_TOKENIZER: "take all tokenizer files from the same version of the model",
    Cause.MISSING_TENSORS: _AGAIN,
    Cause.UNLABELLED: "write quantize_config.json with the bits, group_size and desc_act of the"
    " publisher's page",
    Cause.WRONG_SHAPES: "take config.json and the weights from the same version of the model",
    Cause.DAMAGED_G_IDX: f"quantize it again, or {_AGAIN}",
    Cause.SHIFTED_ZEROS: "set checkpoint_format in config.json (gptq or gptq_v2) to what the file"
    " holds, or quantize it again",
    Cause.WRONG_KERNEL: "set activations to bf16 or quantization to none, and report it",
    Cause.REFUSED: "do what the loader says",
    Cause.USELESS_WEIGHTS: _AGAIN,
    Cause.CONSTANT_LETTER: "look at what the model writes: `assistant chat`",
    Cause.BATCH_EFFECT: "measure with one question at a time, and report it",
    Cause.WRONG_LETTER_TOKEN: f"compare the tokens that stand behind `Answer:`: {_FAITHFUL}",
    Cause.RIGHT_CUT: f"cut at the left, or leave examples out: {_FAITHFUL}",
    Cause.LEFT_PADDING: f"pad at the right, or pass attention_mask and position_ids: {_FAITHFUL}",
    Cause.WRONG_PROTOCOL: "compare only figures of one protocol, number of examples and measure",
    Cause.OTHER_MODEL: "make sure that the results belong to this model",
    Cause.UNEXPLAINED: "ask for the results file, and name it by --results",
    Cause.BELOW_BAND: "compare with the full-precision weights: `assistant eval mmlu`",
}


class Weight(IntEnum):
    """How much a finding says."""

    NOTE = 0
    """Worth knowing; it is no fault."""
    SYMPTOM = 1
    """Something is wrong; it does not say what."""
    LIKELY = 2
    """This is wrong, as far as numbers can tell."""
    CERTAIN = 3
    """This is wrong: two things that must agree do not."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause, with its evidence."""

    cause: Cause
    weight: Weight
    predicted: str
    """What would be seen if nothing were wrong or, of a claimed number, what this would make."""
    seen: str
    measuring: bool = False
    """Whether it is about how somebody measured, and not about the model."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a check saw."""

    seen: str
    """In a few words, whether or not anything is wrong."""
    findings: tuple[Finding, ...] = ()
