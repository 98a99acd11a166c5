"""An adapter and its base as a model for other programs: merged, made small, and checked.

What is exported is kept only if it answers as the merged model: on samples of what the user held
out from training, the probabilities of both are compared at every token of the answers.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from assistant.engine.load import LoadedModel, LoadOptions, load_model
from assistant.engine.quiet import quiet
from assistant.errors import AssistantError, UsageError
from assistant.registry import LocalModel, locate
from assistant_finetune.adapters import gguf
from assistant_finetune.adapters.agreement import (
    Agreement,
    Answers,
    Sample,
    agreement,
    answers,
    split_rows,
)
from assistant_finetune.adapters.installed import Installed
from assistant_finetune.adapters.merging import merge
from assistant_finetune.adapters.quantizing import quantize
from assistant_finetune.training.prepare import EVALUATION_FILE, prepare
from assistant_finetune.training.rows import read_rows
from assistant_finetune.training.run_folder import RunFolder
from assistant_finetune.training.settings import Settings

_MOST_SAMPLES = 64
_LONGEST = 2048
"""Tokens of a sample that is asked of."""
_FURTHEST_GPTQ = 0.2
_FURTHEST_GGUF = 0.05
"""How far apart probabilities may be on average, as total variation. Weights in 4 bits are rounded
to one of 16 values; in the forms of GGUF that are made here, not more than merging does."""
_LOSS_GPTQ = 0.15
"""Nats a token by which the loss may be higher."""

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of it."""

    path: Path
    """The model's folder, or the GGUF file."""
    agreement: Agreement | None
    """With the merged model; None where nothing here could ask the exported one."""
    group_size: int | None = None
    """Of GPTQ."""
    cut_alike: float | None = None
    """Of GGUF: the share of texts that llama.cpp cuts into the same tokens."""


@dataclass(frozen=True, slots=True)
class _Data:
    """Of the user's, rendered for the base."""

    train: list[Sample]
    held_out: list[Sample]
    """Of training where nothing was held out."""


def export_gptq(
    adapter: Installed, output: Path, sources: Sequence[str] = (), say: Say = lambda _: None
) -> Exported:
    """Write the merged model in 4 bits into a new folder, fitted to what the adapter learned from.

    `sources` is data instead of the run's, as `assistant data` reads it. Raises UsageError where
    the model cannot be quantized or there is no data, and AssistantError where it fails or would
    answer otherwise than the merged one; nothing is written then.
    """
    with quiet(), _merged(adapter, output, sources, say) as (merged, data):
        expected = _ask(load_model(merged, _unquantized()), data.held_out)
        say("quantizing")
        unfinished = merged.folder.with_name("quantized")
        size = quantize(merged.folder, unfinished, [sample.ids for sample in data.train])
        for file in merged.folder.iterdir():
            if file.suffix != ".safetensors" and not (unfinished / file.name).exists():
                shutil.copy2(file, unfinished)
        say("comparing")
        loaded = load_model(locate(str(unfinished)))
        found = agreement(_ask(loaded, data.held_out), expected)
        _check(adapter, found, _FURTHEST_GPTQ, _LOSS_GPTQ)
        os.replace(unfinished, output)
    return Exported(output, found, group_size=size)


def export_gguf(
    adapter: Installed,
    output: Path,
    converter: Path,
    weights: gguf.Weights = "bf16",
    sources: Sequence[str] = (),
    say: Say = lambda _: None,
) -> Exported:
    """Write the merged model into a new GGUF file by llama.cpp's converter.

    It is checked where llama.cpp can be asked here. Raises as `export_gptq` does.
    """
    with quiet(), _merged(adapter, output, sources, say) as (merged, data):
        say(f"converting with {converter}")
        unfinished = merged.folder.with_name(output.name)
        gguf.convert(merged.folder, unfinished, converter, weights)
        found, alike = None, None
        if gguf.can_be_asked():
            say("comparing")
            loaded = load_model(merged, _unquantized())
            expected = _ask(loaded, data.held_out)
            longest = max(len(sample.ids) for sample in data.held_out)
            with gguf.LlamaCpp(unfinished, longest) as llama:
                found = agreement(answers(llama.logits, data.held_out), expected)
                alike = _cut_alike(loaded, llama, data.held_out)
            _check(adapter, found, _FURTHEST_GGUF, _FURTHEST_GGUF)
        os.replace(unfinished, output)
    return Exported(output, found, cut_alike=alike)


@contextmanager
def _merged(
    adapter: Installed, output: Path, sources: Sequence[str], say: Say
) -> Iterator[tuple[LocalModel, _Data]]:
    """The merged model in a folder that is gone in the end, and the data."""
    if output.exists():
        raise UsageError(f"{output} is there already: name another place with --output")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as name:
        folder = Path(name)
        data = _data(adapter, sources, folder / "data", say)
        say(f"merging {adapter.name} into {adapter.base}")
        merge(adapter, folder / "merged")
        yield locate(str(folder / "merged")), data


def _data(adapter: Installed, sources: Sequence[str], folder: Path, say: Say) -> _Data:
    if sources:
        settings = Settings(base=adapter.base, data=tuple(sources))
        prepare(settings, locate(adapter.base), folder, say)
    else:
        folder = RunFolder(adapter.run).path
    if not (folder / "train-1.rows").exists():
        raise UsageError(f"the data of {adapter.name} is gone: name some with --data")
    train = _samples(folder / "train-1.rows")
    held_out = [
        sample
        for sample in _samples(folder / EVALUATION_FILE) or train
        if len(sample.ids) <= _LONGEST and any(label >= 0 for label in sample.labels)
    ]
    if not held_out:
        raise UsageError(
            f"no answer in the data of {adapter.name} can be compared: name more with --data"
        )
    return _Data(train, held_out[:_MOST_SAMPLES])


def _samples(file: Path) -> list[Sample]:
    rows: Any = read_rows(file) if file.exists() else []
    return split_rows(rows.select(range(min(len(rows), 4 * _MOST_SAMPLES))) if len(rows) else [])


def _unquantized() -> LoadOptions:
    return LoadOptions(for_inference=False, dtype=torch.bfloat16)


def _ask(loaded: LoadedModel, samples: Sequence[Sample]) -> Answers:
    def logits(ids: Sequence[int]) -> torch.Tensor:
        given = torch.tensor([list(ids)], device=loaded.model.device)
        found: torch.Tensor = loaded.model(given).logits[0]
        return found

    with torch.inference_mode():
        return answers(logits, samples)


def _cut_alike(loaded: LoadedModel, llama: gguf.LlamaCpp, samples: Sequence[Sample]) -> float:
    tokenizer = loaded.renderer.tokenizer
    texts = [tokenizer.decode(sample.ids) for sample in samples]
    alike = [llama.tokenize(text) == tokenizer.encode_text(text, start=True) for text in texts]
    return sum(alike) / len(alike)


def _check(adapter: Installed, found: Agreement, furthest: float, loss: float) -> None:
    if found.distance > furthest or found.loss > found.expected_loss + loss:
        raise AssistantError(
            f"the exported model would answer otherwise than {adapter.name} on {adapter.base}: "
            f"probabilities are {found.distance:.0%} apart and the loss is {found.loss:.2f} "
            f"instead of {found.expected_loss:.2f}; nothing was written"
        )
