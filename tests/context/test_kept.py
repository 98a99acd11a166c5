"""What is sent stays still, within its budget, and never harms."""

from hypothesis import given
from hypothesis import strategies as st

from assistant.context.kept import ALREADY_THERE, NO_ROOM, SAID_BEFORE, TOO_LIKE, Kept, renewed
from assistant.context.pieces import Origin, Piece
from assistant.context.ring import Ring
from assistant.secrets import is_secret

FILES = ("/p/a.py", "/p/b.py", "/p/.env", "/p/id_rsa")
ORIGINS: tuple[Origin, ...] = ("definition", "place", "open")
PIECES = st.builds(
    lambda file, text, origin, name: Piece(file, file[3:], text, origin, name),
    st.sampled_from(FILES),
    st.text("abc", min_size=1, max_size=40),
    st.sampled_from(ORIGINS),
    st.sampled_from(["one", "two", "three"]),
)
WANTED = st.lists(PIECES, max_size=8)


def piece(text: str, *, name: str = "", origin: Origin = "definition") -> Piece:
    return Piece("/p/a.py", "a.py", text, origin, name or text)


def reasons(kept: Kept) -> dict[str, str]:
    return {left.piece.text: left.reason for left in kept.left}


@given(st.lists(WANTED, max_size=4), st.integers(0, 120), st.text("abc \n", max_size=60))
def test_the_budget_holds_and_secrets_stay_out(
    rounds: list[list[Piece]], budget: int, before: str
) -> None:
    kept = Kept()
    for wanted in rounds:
        kept = renewed(kept, wanted, budget, before, "", lambda file: not is_secret(file))
        assert kept.size <= budget
        assert not any(is_secret(one.file) for one in kept.pieces)
        assert len(set(kept.pieces)) == len(kept.pieces)
        assert not any(one.text in before for one in kept.pieces)


@given(WANTED, st.integers(0, 400), st.text("xyz \n", max_size=60), st.text("xyz", max_size=9))
def test_typing_moves_nothing(wanted: list[Piece], budget: int, before: str, typed: str) -> None:
    kept = renewed(Kept(), wanted, budget, before, "")
    assert renewed(kept, wanted, budget, before + typed, "").pieces == kept.pieces


@given(st.lists(PIECES, max_size=4), WANTED)
def test_with_room_for_all_new_ones_stand_behind(old: list[Piece], new: list[Piece]) -> None:
    first = renewed(Kept(), old, 10_000, "", "")
    then = renewed(first, [*new, *old], 10_000, "", "")
    newest = {one.identity: one.text for one in reversed([*new, *old]) if one.identity}
    still = [one for one in first.pieces if newest.get(one.identity, one.text) == one.text]
    assert list(then.pieces[: len(still)]) == still


def test_what_nobody_asks_for_makes_room_for_what_is_urgent() -> None:
    old, new, small = piece("o" * 60), piece("n" * 60), piece("s" * 5)
    kept = renewed(Kept(), [small, old], 100, "", "")
    assert renewed(kept, [small], 100, "", "").pieces == (small, old), "it may stay"
    kept = renewed(kept, [new, small], 100, "", "")
    assert kept.pieces == (small, new)
    late = [piece(letter * 9) for letter in "abcdef"] + [piece("u" * 90)]
    kept = renewed(Kept(), late, 100, "", "")
    assert reasons(kept)["u" * 90] == NO_ROOM
    assert renewed(kept, late, 100, "", "").pieces == kept.pieces


def test_an_older_text_of_a_definition_goes() -> None:
    old, new = piece("def f(a):", name="f"), piece("def f(a, b):", name="f")
    assert renewed(Kept((old,)), [new], 100, "", "").pieces == (new,)


def test_what_a_model_would_copy_is_left_out() -> None:
    lines = "first = load(second)\nthird = first.fourth(fifth)\n"
    same = piece(lines.replace("fifth", "sixth"), origin="place")
    assert reasons(renewed(Kept(), [same], 1_000, lines, "")) == {same.text: TOO_LIKE}
    inside = piece("fourth(fifth)", origin="place")
    far = "\n".join(f"other{n}" for n in range(100))
    assert reasons(renewed(Kept(), [inside], 1_000, lines + far, "")) == {
        inside.text: ALREADY_THERE
    }
    one = piece("a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2", origin="place")
    again = piece(one.text + " b3", origin="place")
    assert reasons(renewed(Kept(), [one, again], 1_000, "", "")) == {again.text: SAID_BEFORE}


def test_the_ring_keeps_the_newest_of_what_is_nearly_the_same() -> None:
    ring = Ring()
    lines = [f"line_{n} = compute({n}, other_{n})" for n in range(200)]
    assert ring.add("/p/a.py", "a.py", lines, 100)
    lines[100] += "  # changed"
    assert ring.add("/p/a.py", "a.py", lines, 100)
    (only,) = ring.pieces
    assert "# changed" in only.text and lines[90] in only.text and lines[60] not in only.text
    assert not ring.add("/p/a.py", "a.py", lines, 100), "that is no news"
    assert ring.add("/p/a.py", "a.py", lines, 10)
    assert lines[10] in ring.pieces[0].text


def test_the_ring_takes_no_secrets_and_forgets_the_oldest() -> None:
    ring = Ring()
    lines = [f"line_{n} = compute({n}, other_{n})" for n in range(2_000)]
    assert not ring.add("/p/.env", ".env", lines, 5)
    assert not ring.add("/p/a.py", "a.py", ["", "x = 1", ""], 1), "hardly anything stands there"
    for row in range(20, 2_000, 80):
        ring.add("/p/a.py", "a.py", lines, row)
    assert 0 < len(ring.pieces) < 20
    assert all(len(one.text) < 2_000 for one in ring.pieces)
