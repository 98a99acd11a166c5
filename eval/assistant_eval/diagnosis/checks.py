"""What a check is, and what became of one."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assistant.engine.folder import reason
from assistant.errors import AssistantError
from assistant_eval.diagnosis.findings import Finding, Look, Weight

if TYPE_CHECKING:
    from assistant_eval.diagnosis.case import Case

State = Literal["passed", "found", "not run"]


class CannotRun(Exception):
    """A check that cannot say anything here; the text says why."""


class Check(ABC):
    """Looks for one kind of fault. The one required method is `look`."""

    name: ClassVar[str]
    """A few words for people and scripts."""
    doing: ClassVar[str]
    """What it does, said while it does it."""

    @abstractmethod
    def look(self, case: "Case") -> Look:
        """What is seen, and what is wrong with it.

        Raises CannotRun or AssistantError where nothing can be said, which is never taken for a
        good sign.
        """


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a check."""

    check: str
    state: State
    seen: str
    """What was seen, or why the check could not be run."""
    findings: tuple[Finding, ...] = ()


def run(check: Check, case: "Case") -> Outcome:
    """Run one check."""
    try:
        look = check.look(case)
    except (CannotRun, AssistantError) as error:
        return Outcome(check.name, "not run", str(error))
    except (RuntimeError, IndexError) as error:
        # What PyTorch and the quantizers' kernels make of damaged layers.
        return Outcome(check.name, "not run", f"the model cannot compute: {reason(error)}")
    wrong = any(finding.weight > Weight.NOTE for finding in look.findings)
    return Outcome(check.name, "found" if wrong else "passed", look.seen, look.findings)
