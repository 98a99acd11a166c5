"""What is diagnosed: all that checks may look at, each thing made when it is first wanted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.engine.folder import read_json
from assistant.errors import AssistantError
from assistant.model_specs import ModelSpec
from assistant.prompts.segments import EOS
from assistant_eval.diagnosis.checks import CannotRun
from assistant_eval.diagnosis.claims import Claim
from assistant_eval.diagnosis.weights.stored import StoredWeights
from assistant_eval.mmlu.choosing import choose
from assistant_eval.mmlu.questions import LETTERS, Exam
from assistant_eval.mmlu.subjects import CATEGORY_OF
from assistant_eval.model import Examined

if TYPE_CHECKING:
    from assistant.engine.load import LoadedModel
    from assistant.prompts import TextTokenizer
    from assistant_eval.diagnosis.questions.sitting import Sitting, Writer
    from assistant_eval.encoding import Encoder
    from assistant_eval.reading import Reader

FEW = 64
"""Questions that are asked where a score does not matter."""


@dataclass
class Case:
    """A model, what it is said to be, and what was measured of it."""

    examined: Examined
    spec: ModelSpec | None = None
    """What it should be; None where nobody says."""
    claim: Claim | None = None
    """The number to be explained."""
    ask: Callable[[], Exam] | None = None
    """Reads the questions. May raise AssistantError."""
    limit: int = 300
    """Questions that a score is taken from."""
    wikitext: Path | None = None
    """WikiText-2's `wiki.test.raw`, for which perplexities are published."""
    told: Callable[[str], object] = field(default=lambda _: None)
    """Hears what is under way."""

    @property
    def folder(self) -> Path:
        """The model's folder."""
        return self.examined.local.folder

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """What config.json says. Raises ModelFolderError where it cannot be read."""
        return read_json(self.folder / "config.json")

    @cached_property
    def quantization(self) -> Mapping[str, Any] | None:
        """How the weights say that they were quantized. Raises ModelFolderError."""
        own = self.config.get("quantization_config")
        older = self.folder / "quantize_config.json"
        if not isinstance(own, dict) and older.is_file():
            return {"quant_method": "gptq", **read_json(older)}
        return own if isinstance(own, dict) else None

    @property
    def gptq(self) -> Mapping[str, Any]:
        """The same of a GPTQ model. Raises CannotRun where it is none, and ModelFolderError."""
        said = self.quantization
        if said is not None and said.get("quant_method") == "gptq":
            return said
        raise CannotRun("it is no GPTQ model")

    @cached_property
    def stored(self) -> StoredWeights:
        """The tensors in its files."""
        return StoredWeights.of(self.folder)

    @property
    def tokenizer(self) -> "TextTokenizer":
        """Raises ModelFolderError where it cannot be used."""
        return self.examined.tokenizer

    @cached_property
    def encoder(self) -> "Encoder":
        """Writes prompts as ids, as a protocol's own program does."""
        from assistant_eval.encoding import Encoder

        return Encoder(self.tokenizer)

    @cached_property
    def loading(self) -> "LoadedModel | AssistantError":
        """The model by the server's own loader, or what the loader says against it."""
        self.told(f"loading {self.examined.local.name}")
        try:
            return self.examined.load()
        except AssistantError as error:
            return error

    @property
    def loaded(self) -> "LoadedModel":
        """The model. Raises CannotRun where it cannot be loaded."""
        if isinstance(self.loading, AssistantError):
            raise CannotRun("the model cannot be loaded") from self.loading
        return self.loading

    @cached_property
    def reader(self) -> "Reader":
        """Reads for the model. Raises CannotRun where it cannot be loaded."""
        from assistant_eval.reading import Reader

        return Reader(self.loaded)

    @cached_property
    def _exam(self) -> "Exam | str":
        if self.ask is None:
            return "there are no questions"
        self.told("reading the questions")
        try:
            return self.ask()
        except AssistantError as error:
            return str(error)

    @property
    def exam(self) -> Exam:
        """The questions. Raises CannotRun where there are none."""
        if isinstance(self._exam, str):
            raise CannotRun(self._exam)
        return self._exam

    @property
    def whole_mmlu(self) -> bool:
        """Whether all of MMLU's subjects are there, so that published figures say something."""
        return {subject.name for subject in self.exam.subjects} >= set(CATEGORY_OF)

    @cached_property
    def sample(self) -> Exam:
        """The questions that scores are taken from, of each subject its share."""
        return choose(self.exam, (), self.limit, 0)

    @cached_property
    def few(self) -> Exam:
        """The questions for what shows in a few answers."""
        return choose(self.exam, (), min(FEW, self.limit), 0)

    @cached_property
    def sitting(self) -> "Sitting":
        """Asks the sample, each way of asking once."""
        from assistant_eval.diagnosis.questions.sitting import Sitting

        return Sitting(self.reader, self.writer, self.sample)

    @cached_property
    def writer(self) -> "Writer":
        """How prompts become tokens, faithfully or not."""
        from assistant_eval.diagnosis.questions.sitting import Writer

        fast = self.tokenizer.fast
        bare = [fast.token_to_id(letter) for letter in LETTERS]
        pads = (self.config.get("pad_token_id"), self.tokenizer.token_id(EOS), 0)
        return Writer(
            self.encoder,
            self.loaded.context,
            tuple(() if token is None else (token,) for token in bare),
            next(pad for pad in pads if isinstance(pad, int) and pad >= 0),
        )
