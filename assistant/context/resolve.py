"""The definitions that a file imports, or names near the cursor, out of the project's index."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from assistant.context.index import Found, SymbolIndex
from assistant.context.pieces import Piece, stub
from assistant.syntax.imports import Import, imports

_NAME = re.compile(r"[^\W\d]\w{2,}")
NEAR_BEFORE, NEAR_AFTER = 2_000, 400
"""Characters around the cursor in which a name is near."""
_MOST_NAMES = 120
_MOST_PIECES = 40
_BY_NAME = 3
_MOST_MEMBERS = 12
_FAMILIES = (
    ("javascript", "javascriptreact", "typescript", "typescriptreact"),
    ("c", "cpp"),
    ("java", "kotlin"),
    ("bash", "sh", "shellscript"),
)
_SAME_FOLDER = ("go", "java", "kotlin", "csharp", "c", "cpp")
"""Languages whose files see the others in their folder without importing them."""
_STEMS = ("__init__", "index", "mod")
"""Files that stand for their folder."""
_LAST_STEMS = tuple((stem,) for stem in _STEMS)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file of a project."""

    root: str
    path: str
    """Inside the root."""
    language: str
    top: str
    """The file's beginning, where imports stand."""
    before: str
    after: str


def definitions_for(place: Place, index: SymbolIndex, roots: Sequence[str]) -> list[Piece]:
    """What the file at `place` names, one piece for each definition, the most telling first.

    First comes what is imported and named near the cursor, then what is only one of these.
    """
    near = _names(place.before[-NEAR_BEFORE:], nearest_last=True) + _names(place.after[:NEAR_AFTER])
    imported = imports(place.top, place.language)
    taken = [name for one in imported for name in one.names]
    names = list(dict.fromkeys([*near, *taken]))[:_MOST_NAMES]
    found = [
        one
        for one in index.named(names, roots)
        if (one.root, one.path) != (place.root, place.path)
        and one.definition.kind != "field"
        and _kin(one.language, place.language)
    ]
    chosen = _chosen(found, _Imports(place, imported))
    order = {name: number for number, name in enumerate(names)}
    is_near = frozenset(near)
    chosen.sort(key=lambda one: _rank(one, order, is_near, taken))
    return [_piece(one, index) for one in chosen[:_MOST_PIECES]]


def _names(text: str, *, nearest_last: bool = False) -> list[str]:
    """The names in a text, the nearest first."""
    found = _NAME.findall(text)
    return list(dict.fromkeys(reversed(found) if nearest_last else found))


def _rank(
    found: Found, order: dict[str, int], near: frozenset[str], taken: Sequence[str]
) -> tuple[int, int]:
    name = found.definition.name
    return (name not in near) + (name not in taken), order[name]


def _chosen(found: Sequence[Found], imported: "_Imports") -> list[Found]:
    """For each name what the imports lead to, or else its only definition."""
    by_name: dict[str, list[Found]] = {}
    for one in found:
        by_name.setdefault(one.definition.name, []).append(one)
    chosen = []
    for alike in by_name.values():
        best = max(map(imported.closeness, alike))
        closest = [one for one in alike if imported.closeness(one) == best]
        if best == _BY_NAME or (
            not closest[0].definition.name.startswith("_")
            and (best > 0 or (len(alike) == 1 and _is_telling(closest[0].definition.name)))
        ):
            chosen.append(closest[0])
    shown = {(one.root, one.path, one.definition.name) for one in chosen}
    return [one for one in chosen if (one.root, one.path, one.definition.container) not in shown]


def _is_telling(name: str) -> bool:
    """Whether a name is more than a word, such as everybody uses for something else."""
    return not name.islower() or "_" in name


class _Imports:
    """What a file imports, ready to be compared with where definitions stand."""

    def __init__(self, place: Place, imported: Iterable[Import]) -> None:
        self._place = place
        self._folder = PurePosixPath(place.path).parent
        self._imported = list(imported)

    def closeness(self, found: Found) -> int:
        """3 (`_BY_NAME`): imported by name; 2: its module is; 1: seen without import; 0: none."""
        parts = _module_of(found.path)
        best = 0
        for one in self._imported:
            name = found.definition.name
            if self._leads_to(one, parts):
                best = max(best, _BY_NAME if name in one.names else 2)
            elif any(self._leads_to(_inner(one, name), parts) for name in one.names):
                best = max(best, 2)
        same = PurePosixPath(found.path).parent == self._folder and found.root == self._place.root
        return max(best, int(same and self._place.language in _SAME_FOLDER))

    def _leads_to(self, one: Import, parts: tuple[str, ...]) -> bool:
        if one.level:
            folder = self._folder
            for _ in range(one.level - 1):
                folder = folder.parent
            module = one.module[:-1] if one.module[-1:] in _LAST_STEMS else one.module
            return (*folder.parts, *module) == parts
        if self._place.language == "go":
            return len(parts) > 1 and one.module[-1:] == parts[-2:-1]
        return bool(one.module) and parts[-len(one.module) :] == one.module


def _inner(one: Import, name: str) -> Import:
    """The import of a module by its name out of a package."""
    return Import((*one.module, name), (), one.level)


def _module_of(path: str) -> tuple[str, ...]:
    """A file's path as its language's modules are named."""
    pure = PurePosixPath(path)
    stem = pure.name.split(".")[0]
    return pure.parent.parts if stem in _STEMS else (*pure.parent.parts, stem)


def _kin(one: str, other: str) -> bool:
    return one == other or any(one in family and other in family for family in _FAMILIES)


def _piece(found: Found, index: SymbolIndex) -> Piece:
    members: list[Found] = []
    if found.definition.kind == "class":
        members = [
            one
            for one in index.outline(found.root, found.path)
            if one.definition.container == found.definition.name
            and not one.definition.name.startswith("_")
        ][:_MOST_MEMBERS]
    file = str(PurePosixPath(found.root, found.path)) if found.root else found.path
    name = found.definition.name
    return Piece(file, found.path, stub(found, members), "definition", name)
