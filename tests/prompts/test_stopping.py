from hypothesis import given
from hypothesis import strategies as st

from assistant.prompts.stopping import StopFilter

LETTERS = st.text(alphabet="ab\n", max_size=12)
STOPS = st.lists(st.text(alphabet="ab\n", min_size=1, max_size=4), max_size=4)


def cut_at_earliest(text: str, stops: list[str]) -> str:
    places = [text.find(stop) for stop in stops if stop in text]
    return text[: min(places, default=len(text))]


@given(st.lists(LETTERS, max_size=8), STOPS)
def test_pieces_together_are_the_text_before_the_earliest_stop(
    pieces: list[str], stops: list[str]
) -> None:
    text = "".join(pieces)
    stop_filter = StopFilter(stops)
    given_out = ""
    for piece in pieces:
        given_out += stop_filter.push(piece)
        # Whatever may follow, nothing was let out that could belong to a stop string.
        assert cut_at_earliest(text, stops).startswith(given_out)
    given_out += stop_filter.finish()
    assert given_out == cut_at_earliest(text, stops)
    assert stop_filter.stopped == any(stop in text for stop in stops)


@given(st.lists(LETTERS, max_size=8), STOPS)
def test_nothing_decided_is_held_back(pieces: list[str], stops: list[str]) -> None:
    stop_filter = StopFilter(stops)
    seen = given_out = ""
    for piece in pieces:
        seen += piece
        given_out += stop_filter.push(piece)
        held = seen[len(given_out) :]
        assert stop_filter.stopped or not held or any(s.startswith(held[:1]) for s in stops)


def test_a_longer_stop_that_began_earlier_wins() -> None:
    stop_filter = StopFilter(["b", "abcd"])
    assert stop_filter.push("xab") == "x"
    assert stop_filter.push("cd") == ""
    assert stop_filter.stopped


def test_a_longer_stop_that_is_not_completed_lets_the_shorter_one_stop() -> None:
    stop_filter = StopFilter(["b", "abcd"])
    assert stop_filter.push("xab") + stop_filter.push("z") == "xa"
    assert stop_filter.stopped


def test_without_stops_everything_passes_at_once() -> None:
    assert StopFilter([]).push("text\n") == "text\n"
