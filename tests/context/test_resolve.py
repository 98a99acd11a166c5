"""What a file names is found where its imports lead."""

from pathlib import Path

from assistant.context.index import SymbolIndex
from assistant.context.pieces import Piece
from assistant.context.resolve import Place, definitions_for
from tests.context.projects import indexed, write


def found(
    root: Path, index: SymbolIndex, path: str, before: str, language: str = "python"
) -> list[Piece]:
    place = Place(str(root), path, language, before, before, "")
    return definitions_for(place, index, [str(root)])


def named(pieces: list[Piece]) -> list[tuple[str, str]]:
    return [(piece.path, piece.name) for piece in pieces]


def test_an_import_chooses_among_those_of_one_name(tmp_path: Path) -> None:
    for place in ("shop/prices.py", "store/prices.py", "prices.py"):
        write(tmp_path, place, "def price(article): ...\n")
    index, _ = indexed(tmp_path)
    before = "from store.prices import price\n\nprice("
    assert named(found(tmp_path, index, "main.py", before)) == [("store/prices.py", "price")]
    before = "from .prices import price\n\nprice("
    assert named(found(tmp_path, index, "shop/main.py", before)) == [("shop/prices.py", "price")]
    assert named(found(tmp_path, index, "x/main.py", "price(")) == [], "who knows which"


def test_a_module_leads_to_what_is_used_of_it(tmp_path: Path) -> None:
    write(tmp_path, "shop/__init__.py", "")
    write(tmp_path, "shop/prices.py", "def price(article): ...\ndef tax(): ...\n")
    write(tmp_path, "other.py", "def price(): ...\n")
    index, _ = indexed(tmp_path)
    for line in ("from shop import prices", "import shop.prices as prices"):
        pieces = found(tmp_path, index, "main.py", f"{line}\n\nprices.price(")
        assert named(pieces) == [("shop/prices.py", "price")]


def test_the_nearest_comes_first_and_what_is_only_imported_last(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "".join(f"def f{n}(): ...\n" for n in ("_one", "_two", "_three")))
    index, _ = indexed(tmp_path)
    before = "from a import f_three, f_one, f_two\n" + "#\n" * 1_100 + "f_one()\nf_two()\n"
    assert [piece.name for piece in found(tmp_path, index, "main.py", before)] == [
        "f_two",
        "f_one",
        "f_three",
    ]


def test_a_class_comes_with_its_members_and_a_method_with_its_class(tmp_path: Path) -> None:
    code = (
        "class Basket:\n"
        '    """What is bought."""\n\n'
        "    size: int = 0\n\n"
        "    def put(self, article: str) -> None:\n"
        '        """Put it in."""\n'
        "    def _hide(self): ...\n"
        "    def take_out(self): ...\n"
    )
    write(tmp_path, "a.py", code)
    index, _ = indexed(tmp_path)
    (piece,) = found(tmp_path, index, "main.py", "from a import Basket\nBasket().put(")
    assert piece.text == (
        'class Basket:\n    """What is bought."""\n    size: int = 0\n'
        '    def put(self, article: str) -> None:\n        """Put it in."""\n'
        "    def take_out(self):"
    )
    (piece,) = found(tmp_path, index, "main.py", "basket.take_out(")
    assert piece.text == "class Basket:\n    def take_out(self):"


def test_words_that_everybody_uses_lead_nowhere(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "def text(): ...\ndef _own_way(): ...\ndef own_way(): ...\n")
    index, _ = indexed(tmp_path)
    pieces = found(tmp_path, index, "main.py", "text = _own_way(own_way(")
    assert [piece.name for piece in pieces] == ["own_way"]


def test_a_file_does_not_find_itself_nor_another_language(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "def own_way(): ...\n")
    write(tmp_path, "b.go", "package b\nfunc other_way() {}\n")
    index, _ = indexed(tmp_path)
    assert found(tmp_path, index, "a.py", "own_way(other_way(") == []


def test_files_of_a_folder_see_each_other_in_go(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write(tmp_path, f"{folder}/a.go", "package p\n// Total adds.\nfunc Total(a int) int {}\n")
    index, _ = indexed(tmp_path)
    (piece,) = found(tmp_path, index, "two/b.go", "package p\n\nTotal(", "go")
    assert (piece.path, piece.text) == ("two/a.go", "// Total adds.\nfunc Total(a int) int")
    before = 'package main\nimport "example.com/x/one"\n\none.Total('
    assert named(found(tmp_path, index, "main.go", before, "go")) == [("one/a.go", "Total")]


def test_typescript_by_its_paths(tmp_path: Path) -> None:
    write(tmp_path, "src/lib/index.ts", "export function total(a: number): number {}\n")
    write(tmp_path, "src/total.ts", "export function total(): void {}\n")
    index, _ = indexed(tmp_path)
    before = "import { total } from '../lib';\n\ntotal("
    pieces = found(tmp_path, index, "src/app/main.tsx", before, "typescriptreact")
    assert named(pieces) == [("src/lib/index.ts", "total")]
