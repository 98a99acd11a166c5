"""The whole way in: read, mend, choose, make private, leave out what comes twice, write.

One example is held at a time, whatever the size of the files.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assistant.errors import UsageError
from assistant_finetune.data.cleaning.language import UNKNOWN, check_languages, language_of_example
from assistant_finetune.data.cleaning.sharegpt import clean
from assistant_finetune.data.duplicates import Duplicates
from assistant_finetune.data.examples import Chat, Example
from assistant_finetune.data.folder import CHANGES_FILE, DATA_FILE, REJECTS_FILE, REPORT_FILE
from assistant_finetune.data.forms import own
from assistant_finetune.data.forms.kinds import Kind
from assistant_finetune.data.journal import (
    Changed,
    DataError,
    FileJournal,
    Journal,
    private_file,
)
from assistant_finetune.data.privacy.scrubbing import scrub
from assistant_finetune.data.sources import Source, read_source

_STEP = 200
"""Progress is told after so many examples."""
_OTHER_LANGUAGE = "left out for its language"


@dataclass(frozen=True, slots=True)
class Choices:
    """What is done on the way."""

    clean: bool = True
    """Mend ShareGPT's conversations."""
    languages: tuple[str, ...] = ()
    """Keep these alone, and what has too little prose to say; empty keeps all."""
    scrub: bool = True
    """Replace secrets and personal data."""
    region: str | None = None
    """Whose telephone numbers are found without a country code."""
    deduplicate: bool = True
    """Leave out what comes twice, or nearly."""


@dataclass(slots=True)
class Report:
    """What became of the data, in numbers."""

    examples: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """Examples of each kind: chats, documents, holes, tasks."""
    languages: Counter[str] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)
    """Places that were made private, by what stood there."""
    rejected: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    sha256: str = ""
    """Of the data file: the fingerprint of what is trained on."""

    def as_fields(self) -> dict[str, Any]:
        """The report as JSON has it."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        ordered = {
            name: dict(value.most_common()) if isinstance(value, Counter) else value
            for name, value in values.items()
        }
        return {**ordered, "made": datetime.now(UTC).isoformat(timespec="seconds")}


def import_data(
    sources: list[Source],
    output: Path,
    choices: Choices,
    on_progress: Callable[[int], object] = lambda _: None,
) -> tuple[Report, Journal]:
    """Import `sources` into a new folder; returns the report, and the journal with its summary.

    The folder is there whole or not at all. Raises UsageError when there is such a folder already,
    it cannot be written, or there is no such language, and DataError when a source cannot be
    opened, or nothing came in.
    """
    if choices.languages:
        check_languages(choices.languages)
    if output.exists():
        raise UsageError(f"{output} is there already: name another folder, or delete it")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}."))
    except OSError as error:
        raise UsageError(f"{output}: {error.strerror}: name another folder") from error
    try:
        report, journal = _import(sources, unfinished, choices, on_progress)
        os.replace(unfinished, output)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return report, journal


def _import(
    sources: list[Source],
    folder: Path,
    choices: Choices,
    on_progress: Callable[[int], object],
) -> tuple[Report, Journal]:
    report = Report()
    journal = FileJournal(folder / REJECTS_FILE, folder / CHANGES_FILE)
    digest = hashlib.sha256()
    try:
        with private_file(folder / DATA_FILE) as file:
            for example in prepared(sources, choices, report, journal):
                line = json.dumps(own.fields(example), ensure_ascii=False) + "\n"
                digest.update(line.encode())
                file.write(line)
                if report.examples % _STEP == 0:
                    on_progress(report.examples)
    finally:
        journal.close()
    report.rejected, report.changed = journal.rejected, journal.changed
    report.sha256 = digest.hexdigest()
    if not report.examples:
        raise DataError(_nothing(journal))
    written = {
        "sources": [source.name for source in sources],
        "choices": asdict(choices),
        **report.as_fields(),
    }
    with private_file(folder / REPORT_FILE) as file:
        file.write(json.dumps(written, ensure_ascii=False, indent=2) + "\n")
    return report, journal


def prepared(
    sources: list[Source], choices: Choices, report: Report, journal: Journal
) -> Iterator[Example]:
    """The examples that are kept, mended and made private, one after the other.

    What is done is counted in `report` and told the journal. Raises DataError when a source cannot
    be opened.
    """
    duplicates = Duplicates()
    try:
        for example, kind in _read(sources, journal):
            kept = _mended(example, kind, choices, journal)
            if kept is None:
                continue
            language = language_of_example(kept)
            if choices.languages and language not in (*choices.languages, UNKNOWN):
                journal.change(Changed(kept.origin, _OTHER_LANGUAGE, language))
                continue
            if choices.deduplicate and (twin := duplicates.find(kept)) is not None:
                journal.change(Changed(kept.origin, twin.sameness.value, f"like {twin.origin}"))
                continue
            if choices.scrub:
                kept, replaced = scrub(kept, journal, choices.region)
                report.replaced += replaced
            if kept is not None:
                report.examples += 1
                report.kinds[type(kept).__name__.lower()] += 1
                report.languages[language] += 1
                yield kept
    finally:
        duplicates.close()


def _mended(
    example: Example, kind: Kind | None, choices: Choices, journal: Journal
) -> Example | None:
    """The example without what a web page did to it; None where nothing is left."""
    if choices.clean and kind is Kind.SHAREGPT and isinstance(example, Chat):
        return clean(example, journal)
    return example


def _read(sources: list[Source], journal: Journal) -> Iterator[tuple[Example, Kind | None]]:
    for source in sources:
        yield from read_source(source, journal)


def _nothing(journal: Journal) -> str:
    """Why nothing came in, with the first reason."""
    if journal.first:
        first = journal.first[0]
        more = journal.rejected.total() - 1
        others = f", and {more} more were refused" if more else ""
        return f"nothing can be learned from this: {first.origin}: {first.reason}{others}"
    return "nothing can be learned from this: it holds no example, or none that is kept"
