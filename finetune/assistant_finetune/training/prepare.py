"""From what the user named as data to rows of tokens in the run's folder.

The data is prepared once, as `assistant data import` does it, and kept in the run's folder: the run
goes on with it after an interruption, whatever became of the sources meanwhile.
"""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from assistant.paths import write_atomically
from assistant.prompts import Wording
from assistant.registry import LocalModel
from assistant_finetune.data import (
    Choices,
    DataError,
    Document,
    Example,
    Journal,
    Learn,
    Rendering,
    Row,
    Sample,
    Source,
    import_data,
    is_held_out,
    pack,
    read_all,
    samples,
)
from assistant_finetune.data.code import is_code
from assistant_finetune.data.folder import HELD_OUT_FILE, is_data_folder
from assistant_finetune.data.rendering.packing import row
from assistant_finetune.data.replay import kept_back, with_replay
from assistant_finetune.training.rows import write_rows
from assistant_finetune.training.settings import EPOCHS, Settings

_DATA = "data"
_RENDERINGS = 8
"""Places in code are chosen anew for so many epochs; later ones see them again."""
EVALUATION_FILE = "held_out.rows"
KEPT_BACK_FILE = "kept_back.rows"
"""Code of the library that is never learned, in runs that learn code."""
_KEPT_BACK = 12
"""Pieces of it."""
_DONE = "prepared.json"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is in a run's folder to train on."""

    examples: int
    sha256: str
    """The fingerprint of the prepared data."""
    rows: tuple[int, ...]
    """Rows in each rendering of the training side; epochs take them in turn."""
    tokens: int
    """In all renderings together."""
    learned: int
    """Of those tokens."""
    held_out_rows: int

    def files(self, run: Path) -> list[Path]:
        """The files of the renderings."""
        return [run / f"train-{number}.rows" for number in range(1, len(self.rows) + 1)]


def prepare(
    settings: Settings,
    local: LocalModel,
    run: Path,
    say: Callable[[str], object] = lambda _: None,
) -> tuple[Prepared, Journal]:
    """Make the rows of a run, or find those that were made before it was interrupted.

    Raises DataError where a source cannot be read, or nothing can be learned from it.
    """
    journal = Journal()
    done = run / _DONE
    if done.exists():
        fields = json.loads(done.read_text("utf-8"))
        return Prepared(**{**fields, "rows": tuple(fields["rows"])}), journal
    rendering = _rendering(settings, local)
    if not (run / _DATA).exists():
        choices = Choices(scrub=settings.scrub)
        sources = [Source(name) for name in settings.data]
        import_data(sources, run / _DATA, choices, lambda n: say(f"reading data: {n:,} examples"))
    report = json.loads((run / _DATA / "report.json").read_text("utf-8"))
    say("making rows of tokens")

    def rows(epoch: int) -> Iterator[Row]:
        learned = _learned(settings, run, epoch, journal)
        return _rows(learned, rendering, settings, epoch, journal)

    counts = [
        write_rows(rows(epoch), file)
        for epoch, file in enumerate(_train_files(settings, run, rendering))
    ]
    if not counts[0][0]:
        raise DataError(_nothing(journal))
    held = write_rows(
        _rows(_held_out(settings, run), rendering, settings, 0, journal), run / EVALUATION_FILE
    )
    if settings.forgetting and _has_code(_train(settings, run, Journal())):
        other = _rows(iter(kept_back(_KEPT_BACK)), rendering, settings, 0, Journal())
        write_rows(other, run / KEPT_BACK_FILE)
    prepared = Prepared(
        examples=report["examples"],
        sha256=report["sha256"],
        rows=tuple(count for count, _, _ in counts),
        tokens=sum(tokens for _, tokens, _ in counts),
        learned=sum(learned for _, _, learned in counts),
        held_out_rows=held[0],
    )
    write_atomically(done, json.dumps(asdict(prepared), indent=2) + "\n", mode=0o600)
    return prepared, journal


def _rendering(settings: Settings, local: LocalModel) -> Rendering:
    from assistant.engine.renderers import load_renderer

    return Rendering(
        load_renderer(local),
        settings.max_length or 2048,
        Learn(settings.learn),
        Wording(local.wording),
        settings.seed,
    )


def _train_files(settings: Settings, run: Path, rendering: Rendering) -> list[Path]:
    """One for each epoch whose rows differ: where places in code are chosen."""
    filled = rendering.renderer.fim_format is not None and _has_code(
        _train(settings, run, Journal())
    )
    count = min(math.ceil(settings.epochs or EPOCHS), _RENDERINGS) if filled else 1
    return [run / f"train-{number}.rows" for number in range(1, count + 1)]


def _has_code(examples: Iterator[Example]) -> bool:
    return any(isinstance(one, Document) and is_code(one.language) for one in examples)


def _rows(
    examples: Iterator[Example],
    rendering: Rendering,
    settings: Settings,
    epoch: int,
    journal: Journal,
) -> Iterator[Row]:
    changed = Rendering(
        rendering.renderer,
        rendering.max_length,
        rendering.learn,
        rendering.wording,
        settings.seed + epoch,
    )
    # What is refused is refused in every epoch: it is told once.
    stream = samples(examples, changed, journal if epoch == 0 else Journal())
    yield from pack(stream, rendering.max_length) if settings.packing else _alone(stream)


def _alone(stream: Iterator[Sample]) -> Iterator[Row]:
    for sample in stream:
        yield row([sample])


def _learned(settings: Settings, run: Path, epoch: int, journal: Journal) -> Iterator[Example]:
    """What is learned in an epoch: the user's examples, and code beside them that is replayed."""
    yield from with_replay(_train(settings, run, journal), settings.replay, settings.seed + epoch)


def _train(settings: Settings, run: Path, journal: Journal) -> Iterator[Example]:
    # A side that was split off by the user is not in what was imported.
    share = 0.0 if _split_folders(settings) else settings.held_out
    for example in read_all([Source(str(run / _DATA))], journal):
        if not is_held_out(example, share):
            yield example


def _held_out(settings: Settings, run: Path) -> Iterator[Example]:
    if folders := _split_folders(settings):
        yield from read_all([Source(str(file)) for file in folders], Journal())
        return
    for example in read_all([Source(str(run / _DATA))], Journal()):
        if is_held_out(example, settings.held_out):
            yield example


def _split_folders(settings: Settings) -> list[Path]:
    """The held-out sides that `assistant data split` has written."""
    folders = [Path(name).expanduser() for name in settings.data]
    return [
        folder / HELD_OUT_FILE
        for folder in folders
        if folder.is_dir() and is_data_folder(folder) and (folder / HELD_OUT_FILE).exists()
    ]


def _nothing(journal: Journal) -> str:
    if journal.first:
        return f"nothing can be learned from this: {journal.first[0].reason}"
    return "nothing is left to learn from: everything is on the side that is held out"
