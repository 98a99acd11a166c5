"""Where what belongs at the cursor ends in a model's output, as that comes."""

from dataclasses import dataclass
from functools import lru_cache

from assistant.syntax.brackets import Token, around, innermost
from assistant.syntax.extent import Extent, Open
from assistant.syntax.lines import encoded, width


@dataclass(frozen=True, slots=True)
class Fit:
    """What of an output belongs at the cursor."""

    end: int
    """Where that ends: an index into the output."""
    ended: bool
    """Whether it ends there, whatever comes behind."""
    whole: tuple[bool, ...]
    """For each of its lines, whether it can be the last: a block may go on behind it, but a call or
    a list may not, and nothing may where text stands right of the cursor."""


@lru_cache(maxsize=16)
def fit(extent: Extent, output: str) -> Fit:
    """What of an output, or of its beginning, belongs at a cursor. Lines end in `\\n`."""
    return _Walk(extent, output).fit()


class _Walk:
    """One way through an output, line by line."""

    def __init__(self, extent: Extent, output: str) -> None:
        self._extent = extent
        self._output = output
        self._lines = output.split("\n")
        read = encoded(extent.before)
        self._tree = extent.reader.tree(read + encoded(_finished(output)))
        self._start = len(read)
        tokens = extent.reader.tokens(self._tree, self._start)
        self._tokens = [] if extent.in_text else tokens
        self._inside = extent.reader.closers.values() if extent.rest.strip() else (")", "]")
        """What closes brackets that may not be left open."""
        self._own: list[Token] = []
        self._left = list(extent.open)
        self._whole: list[bool] = []
        self._completed = False
        """Whether the block was closed."""

    def fit(self) -> Fit:
        """See `fit`."""
        begin, place, byte = None, 0, self._start
        for number, line in enumerate(self._lines):
            last = number == len(self._lines) - 1
            outside = number > 0 and begin is not None and self._outside(number, byte)
            if outside:
                return self._fit(place - 1, ended=True)
            size = len(encoded(line))
            foreign = self._foreign(byte, byte + size)
            self._whole.append(not any(token.closer in self._inside for token in self._own))
            if foreign is not None:
                return self._fit(place + len(encoded(line)[: foreign - byte].decode()), ended=True)
            if line.strip() and begin is None:
                begin = number
            place, byte = place + len(line) + 1, byte + size + 1
            if begin is not None and self._line_is_all(begin):
                return self._fit(place - 1, ended=not last)
        return self._fit(len(self._output), ended=False)

    def _fit(self, end: int, *, ended: bool) -> Fit:
        return Fit(end, ended, tuple(self._whole))

    def _line_is_all(self, begin: int) -> bool:
        """Whether nothing is wanted behind this line."""
        if self._completed:
            return True
        going_on = begin == 0 and self._extent.begun
        return going_on and self._whole[-1]

    def _outside(self, number: int, byte: int) -> bool:
        """Whether a line is no part of what belongs here."""
        line = self._lines[number]
        if self._own or self._in_string(byte):
            return False
        if line.strip():
            return width(line) <= self._extent.limit
        if number == len(self._lines) - 1:
            return False  # nobody knows yet what comes behind the line end
        return not self._extent.block or not self._lines[number - 1].strip()

    def _in_string(self, byte: int) -> bool:
        nodes = around(self._tree.root_node.descendant_for_byte_range(byte, byte))
        return any("string" in node.type and node.start_byte < byte for node in nodes)

    def _foreign(self, start: int, end: int) -> int | None:
        """The first bracket of a line that closes what is closed already."""
        while self._tokens and self._tokens[0].start < end:
            token = self._tokens.pop(0)
            if token.closer:
                self._own.append(token)
            elif (place := innermost(self._own, token.text)) is not None:
                del self._own[place:]
            elif not self._owes(token):
                return token.start
        return None

    def _owes(self, token: Token) -> bool:
        """Close one that was open before, where that is needed."""
        place = innermost([one.token for one in self._left], token.text)
        if place is None or not (self._left[place].owed or self._takes_over(place, token)):
            return False
        self._completed |= self._extent.block and place == len(self._extent.open) - 1
        del self._left[place:]
        return True

    def _takes_over(self, place: int, token: Token) -> bool:
        """Whether what closes this right of the cursor can close an outer one there."""
        line = len(encoded(self._extent.before.rpartition("\n")[0]))
        if token.text not in self._extent.rest:
            return False
        for outer in range(place - 1, -1, -1):
            one = self._left[outer]
            if one.token.closer == token.text and one.owed and one.token.start >= line:
                self._left[outer] = Open(one.token, owed=False)
                return True
        return False


def _finished(output: str) -> str:
    """An output whose last text ends, so that it is read as one."""
    for quote in ('"""', "'''", "`"):
        if output.count(quote) % 2:
            return output + quote
    return output
