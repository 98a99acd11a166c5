"""One record of a file, before anybody knows what it means."""

import json
from dataclasses import dataclass
from typing import Any

from assistant_finetune.data.journal import Rejected
from assistant_finetune.data.origin import Origin

LONGEST = 64 * 2**20
"""Characters, or bytes: a longer record is no conversation that anybody had."""


@dataclass(frozen=True, slots=True)
class Record:
    """A value as JSON has it, and where it stands."""

    value: Any
    origin: Origin

    def rejected(self, reason: str) -> Rejected:
        """This record, refused."""
        text = json.dumps(self.value, ensure_ascii=False, default=str)
        return Rejected(self.origin, reason, text)


def parse(text: str) -> Any:
    """The value of a JSON text. Raises ValueError with a reason in words."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(reason_of(error)) from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ValueError as error:  # a number of more digits than Python converts
        raise ValueError("it holds a number that is too long") from error


def reason_of(error: json.JSONDecodeError, shift: int = 0) -> str:
    """What is wrong, in one line; `shift` is where the record begins in what was parsed."""
    what = error.msg.removesuffix(" at")
    return f"not JSON: {what[:1].lower()}{what[1:]} at character {error.pos - shift + 1}"
