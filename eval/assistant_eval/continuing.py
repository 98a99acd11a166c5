"""Going on with an evaluation that was begun, where everything is as it was."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant import paths
from assistant.errors import UsageError
from assistant_eval import fingerprints
from assistant_eval.model import Examined
from assistant_eval.runs import Run, differences

CIRCUMSTANCES = "circumstances"
"""What of a passport is told, and is not what a run is known by."""


def folder_of(evaluation: str, examined: Examined, known: Mapping[str, Any]) -> Path:
    """Where an evaluation is kept if nobody says: known by its passport."""
    local = examined.local
    names = [local.name] if local.adapter is None else [local.name, local.adapter.name]
    name = "-".join([evaluation, *names, fingerprints.of_value(known)[:8]])
    return paths.evaluations_dir() / name


def check_same(run: Run, known: Mapping[str, Any]) -> None:
    """Raises UsageError when the folder holds another evaluation, with what differs."""
    before = run.passport()
    if before is not None and (found := differences(_identity(before), known)):
        raise UsageError(
            f"{run.path} holds another evaluation: {', '.join(found)} were different;"
            " give another --output"
        )


def begin(run: Run, known: Mapping[str, Any], command: Sequence[str]) -> None:
    """Write the passport where it is not there yet; `command` is what goes on with the run."""
    if run.passport() is None:
        run.begin({**known, CIRCUMSTANCES: {"command": list(command)}})


def command_of(
    evaluation: str, examined: Examined, options: Mapping[str, Any], names: Sequence[str] = ()
) -> list[str]:
    """The arguments of `assistant` that ask the same again: `names`, and options by their names.

    An option of several values is given several times, and one that is None not at all. Paths are
    whole, so that it may be run anywhere.
    """
    found = ["eval", evaluation, *names, *examined.options()]
    for name, value in options.items():
        for one in value if isinstance(value, tuple) else (value,):
            if one is not None:
                found += [f"--{name}", str(one.absolute() if isinstance(one, Path) else one)]
    return found


def under_way(
    run: Run, known: Mapping[str, Any], source: str, loaded: str, command: Sequence[str]
) -> dict[str, Any]:
    """The whole passport, which is written where it is not there yet.

    `source` says where the questions are from, `loaded` what answers them, `command` what goes on
    with it. Raises UsageError when something else answered before.
    """
    before = run.passport()
    if before is None:
        whole = {
            **known,
            CIRCUMSTANCES: {"source": source, "loaded": loaded, "command": list(command)},
        }
        run.begin(whole)
        return whole
    if before[CIRCUMSTANCES]["loaded"] != loaded:
        raise UsageError(
            f"{run.path} was begun with {before[CIRCUMSTANCES]['loaded']}, and now it is {loaded}:"
            " the answers would not belong together; give another --output"
        )
    return before


def _identity(whole: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in whole.items() if name != CIRCUMSTANCES}
