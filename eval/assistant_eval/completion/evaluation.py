"""Completion from a project to a folder with suggestions and figures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from assistant.engine.quiet import quiet
from assistant.errors import UsageError
from assistant_eval import fingerprints
from assistant_eval.completion.measures import Figures, Suggested, figures_of
from assistant_eval.completion.places import KINDS, Kind, Place, choose
from assistant_eval.completion.unseen import Unseen, unseen
from assistant_eval.continuing import begin, check_same, command_of, folder_of
from assistant_eval.kept import KeptAnswers
from assistant_eval.listening import Listener
from assistant_eval.model import Examined, versions
from assistant_eval.runs import SCORES_FILE, Run

_PLACES_FILE = "places.jsonl"
_TOGETHER = 8
"""Suggestions that are kept at once."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What is asked."""

    repo: Path
    places: int = 300
    """Of each kind, if there are so many."""
    since: datetime | None = None
    """Only lines that are newer, with a time zone; None for what the adapter's note says."""
    seed: int = 0
    output: Path | None = None
    """The run's folder; None for one among the evaluations, known by its passport."""

    def __post_init__(self) -> None:
        problems = []
        if not self.repo.is_dir():
            problems.append(f"there is no folder {self.repo}")
        if self.places < 1:
            problems.append(f"places must be a number of places, not {self.places}")
        if problems:
            raise UsageError("; ".join(problems))

    def command(self, examined: Examined) -> list[str]:
        """What asks the same again."""
        options = {
            "repo": self.repo,
            "places": self.places,
            "since": None if self.since is None else f"{self.since.astimezone():%Y-%m-%dT%H:%M:%S}",
            "seed": self.seed,
        }
        return command_of("completion", examined, options)


@dataclass(frozen=True, slots=True)
class Found:
    """How one model did at the places of one kind."""

    model: str
    """The adapter's name, or `base`."""
    kind: Kind
    figures: Figures


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    run: Path
    passport: dict[str, Any]
    found: tuple[Found, ...]


def evaluate(examined: Examined, choices: Choices, listener: Listener | None = None) -> Outcome:
    """Ask a model, and with an adapter its base as well, at the same places of a project.

    A run that was interrupted goes on. Raises UsageError where nothing can be asked for and for a
    folder that holds another run; ModelFolderError and AssistantError as loading does.
    """
    listener = listener or Listener()
    with quiet():
        listener.say("looking for places")
        repo = choices.repo.resolve()
        allowed = unseen(repo, examined.local.adapter, choices.since)
        places = choose(repo, allowed, choices.places, choices.seed)
        known = _passport(examined, allowed, places)
        run = Run(choices.output or folder_of("completion", examined, known))
        with run.locked():
            check_same(run, known)
            begin(run, known, choices.command(examined))
            return _conclude(run, known, places, _ask(run, examined, places, listener))


def _passport(examined: Examined, allowed: Unseen, places: Sequence[Place]) -> dict[str, Any]:
    asked = [[place.kind, place.path, place.line, place.text] for place in places]
    found = {
        "evaluation": "completion",
        "model": examined.identity(),
        "data": {
            "repo": str(allowed.repo),
            "places": {kind: sum(place.kind == kind for place in places) for kind in KINDS},
            "files": len({place.path for place in places}),
            "sha256": fingerprints.of_value(asked),
            **allowed.facts(),
        },
        "versions": versions(),
    }
    same: dict[str, Any] = json.loads(json.dumps(found))
    return same


def _ask(
    run: Run, examined: Examined, places: Sequence[Place], listener: Listener
) -> dict[str, list[Suggested]]:
    """By the model's name, what it suggests at each place."""
    from assistant.engine.engine import Engine
    from assistant_eval.completion.asking import suggest

    listener.say(f"loading {examined.local.name}")
    engine = Engine(examined.without_adapter().load())
    try:
        names: list[str | None] = [None]
        if examined.local.adapter is not None:
            names.append(examined.local.adapter.name)
            engine.add_adapter(examined.local.adapter.name, examined.local.adapter)
        passes = [
            (name, places[start : start + _TOGETHER])
            for name in names
            for start in range(0, len(places), _TOGETHER)
        ]

        def answer(number: int) -> list[dict[str, Any]]:
            name, some = passes[number]
            return [asdict(one) for one in suggest(engine, some, name)]

        count = len(names) * len(places)
        answers = KeptAnswers(run).of(
            [
                [[name, place.path, place.line, place.kind] for place in some]
                for name, some in passes
            ],
            answer,
            lambda done: listener.answered(done, count),
        )
    finally:
        engine.close()
    suggested = [Suggested(**fields) for fields in answers]
    return {
        name or "base": suggested[number * len(places) : (number + 1) * len(places)]
        for number, name in enumerate(names)
    }


def _conclude(
    run: Run,
    known: dict[str, Any],
    places: Sequence[Place],
    suggested: Mapping[str, Sequence[Suggested]],
) -> Outcome:
    found = []
    for name, ones in suggested.items():
        for kind in KINDS:
            some = [one for one, place in zip(ones, places, strict=True) if place.kind == kind]
            if some:
                found.append(Found(name, kind, figures_of(some)))
    lines = [
        {
            "path": place.path,
            "line": place.line,
            "kind": place.kind,
            "wanted": place.text,
            **{name: ones[number].text for name, ones in suggested.items()},
        }
        for number, place in enumerate(places)
    ]
    run.keep(_PLACES_FILE, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    run.keep_value(SCORES_FILE, [asdict(one) for one in found])
    return Outcome(run.path, known, tuple(found))
