"""Which form a record has: named by the user, or recognized by what it looks like."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from assistant_finetune.data.examples import Example
from assistant_finetune.data.forms import alpaca, oasst, openai, own, sharegpt
from assistant_finetune.data.forms.fields import FormError, called
from assistant_finetune.data.forms.oasst import Paths
from assistant_finetune.data.forms.oasst_rows import TreeBuilder
from assistant_finetune.data.journal import Journal
from assistant_finetune.data.origin import Origin
from assistant_finetune.data.reading.record import Record


class Kind(Enum):
    """What a source holds."""

    SHAREGPT = "sharegpt"
    ALPACA = "alpaca"
    OPENAI = "openai"
    OASST = "oasst"
    TEXT = "text"
    """Texts to be learned whole: `.txt` and `.md`, or records with a `text`."""
    CODE = "code"
    """Files of a project: learned whole, and as places to fill in."""


class Reader:
    """Records to examples."""

    def __init__(self, journal: Journal, kind: Kind | None = None, paths: Paths = Paths.BEST):
        """`kind` is what all records must be; None recognizes each by itself."""
        self._journal = journal
        self._kind = kind
        self._paths = paths

    def read(self, records: Iterator[Record]) -> Iterator[tuple[Example, Kind]]:
        """The examples and what they were; a record that is none goes to the journal."""
        builder = TreeBuilder(self._paths, self._journal)
        for record in records:
            try:
                value = self._value(record.value)
                kind = self._kind or recognize(value)
                if kind is Kind.OASST and oasst.is_message(value):
                    trees = builder.add(Record(value, record.origin))
                    yield from ((chat, kind) for chat in trees)
                else:
                    for example in self._examples(value, record.origin, kind):
                        yield example, kind
            except FormError as error:
                self._journal.reject(record.rejected(str(error)))
        yield from ((chat, Kind.OASST) for chat in builder.finish())

    def _value(self, value: Any) -> dict[str, Any]:
        if isinstance(value, list) and value and isinstance(value[0], dict):
            name = "conversations" if "from" in value[0] else "messages"
            return {name: value}
        if not isinstance(value, dict):
            raise FormError(f"it is {called(value)}, not an object")
        return value

    def _examples(self, value: Mapping[str, Any], origin: Origin, kind: Kind) -> Iterator[Example]:
        match kind:
            case Kind.SHAREGPT:
                return sharegpt.read(value, origin)
            case Kind.ALPACA:
                return alpaca.read(value, origin)
            case Kind.OASST:
                return oasst.read(value, origin, self._paths)
            case Kind.OPENAI:
                return openai.read(value, origin)
            case _:
                return iter([own.read(value, origin)])


def recognize(value: Mapping[str, Any]) -> Kind:
    """The kind of a record. Raises FormError where it looks like none."""
    if "origin" in value and own.fits(value):
        return Kind.TEXT  # it was written by this project, and `own` reads all of those
    if sharegpt.fits(value):
        return Kind.SHAREGPT
    if openai.fits(value):
        return Kind.OPENAI
    if oasst.fits(value) or oasst.is_message(value):
        return Kind.OASST
    if alpaca.fits(value):
        return Kind.ALPACA
    if own.fits(value):
        return Kind.TEXT
    if not value:
        raise FormError("it is an empty object")
    if {"role", "content"} <= value.keys() or {"from", "value"} <= value.keys():
        raise FormError('it is a single message: wrap the conversation as {"messages": [...]}')
    if {"chosen", "rejected"} <= value.keys():
        raise FormError("it is a pair of a good and a bad answer, which is not learned from here")
    names = ", ".join(sorted(map(str, value))[:5])[:100]
    raise FormError(f"nobody knows what its fields mean ({names}): name the kind with --kind")
