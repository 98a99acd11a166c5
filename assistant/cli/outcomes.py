"""What came of an evaluation, for scripts."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def as_json(outcome: "DataclassInstance", **more: object) -> str:
    """All fields of an outcome, and `more`, on one line; paths as text."""
    return json.dumps({**asdict(outcome), **more}, ensure_ascii=False, default=str)
