"""The tree shows what is in the folder, in order, whatever comes and goes."""

from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.widgets.tree import TreeNode

from assistant_tui.notes.folder import Listing
from assistant_tui.notes.tree import NoteTree

names = st.sampled_from(["a", "b", "c", "d"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
listings = st.sets(paths, max_size=8).map(
    lambda found: Listing(
        tuple(sorted(f"{path}.md" for path in found)),
        tuple(sorted({folder for path in found for folder in _folders(path)})),
    )
)


def _folders(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


class Only(App[None]):
    """A tree and nothing else."""

    def compose(self) -> ComposeResult:
        yield NoteTree()


def shown(node: TreeNode[str]) -> list[str]:
    """The paths that have a node, in the order in which they are seen."""
    found = []
    for child in node.children:
        found += [child.data or "", *shown(child)]
    return found


def expected(listing: Listing, folder: str = "") -> list[str]:
    found = []
    for inner in [f"{one}/" for one in listing.folders if _parent(one) == folder]:
        found += [inner, *expected(listing, inner)]
    return found + [note for note in listing.notes if _parent(note) == folder]


def _parent(path: str) -> str:
    return path[: path.rfind("/") + 1]


@given(st.lists(listings, min_size=1, max_size=4))
async def test_what_comes_and_goes_is_seen_at_its_place(found: list[Listing]) -> None:
    app = Only()
    async with app.run_test():
        tree = app.query_one(NoteTree)
        for listing in found:
            tree.show(listing)
            for note in listing.notes:
                tree.reveal(note)
            assert shown(tree.root) == expected(listing)


async def test_a_folder_of_ten_thousand_is_there_at_once_and_complete_soon() -> None:
    listing = Listing(tuple(f"{number:05}.md" for number in range(10_000)))
    app = Only()
    async with app.run_test() as pilot:
        tree = app.query_one(NoteTree)
        tree.show(listing)
        assert 0 < len(shown(tree.root)) < 10_000
        tree.reveal("09999.md")
        await pilot.pause()
        await pilot.pause()
        assert tree.note == "09999.md"
        assert shown(tree.root) == list(listing.notes)


async def test_the_cursor_stays_at_its_note_when_others_come() -> None:
    app = Only()
    async with app.run_test() as pilot:
        tree = app.query_one(NoteTree)
        tree.show(Listing(("b.md", "c.md", "d.md")))
        tree.reveal("b.md")
        await pilot.pause()
        tree.focus()
        await pilot.press("down")
        assert tree.note == "c.md"
        tree.show(Listing(("a.md", "b.md", "c.md", "d.md")))
        await pilot.pause()
        assert tree.note == "c.md"
        assert shown(tree.root) == ["a.md", "b.md", "c.md", "d.md"]
