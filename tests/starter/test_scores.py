"""How answers are judged, and where completions are asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.starter import places, scores
from tools.starter.samples import Sampler

SHORT = st.text(alphabet="abc ", max_size=12)


@given(SHORT, SHORT, SHORT)
def test_distance_is_a_metric(one: str, two: str, three: str) -> None:
    assert (scores.distance(one, two) == 0) == (one == two)
    assert scores.distance(one, two) == scores.distance(two, one)
    there = scores.distance(one, two) + scores.distance(two, three)
    assert scores.distance(one, three) <= there


def test_known_distances() -> None:
    assert scores.distance("kitten", "sitting") == 3
    assert scores.similarity("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert scores.similarity("", "") == 1


def test_token_f1_takes_names_apart() -> None:
    assert scores.token_f1("get_userName", "Get the user name.") == pytest.approx(6 / 7)
    assert scores.token_f1("", "anything") == 0


def test_words_fixed_and_broken_are_counted_by_the_clean_text() -> None:
    found = scores.mended("teh cat sat onn the mat", "the cat sit onn the mat", CLEAN)
    assert found == scores.Mended(wrong=2, fixed=1, broken=1)
    assert scores.mended(CLEAN, CLEAN, CLEAN) == scores.Mended(0, 0, 0)


CLEAN = "the cat sat on the mat"


@pytest.mark.parametrize("kind", [places.LINE, places.REST])
def test_places_are_real_and_the_same_every_time(sampler: Sampler, kind: str) -> None:
    drawn = places.draw(sampler.code, kind, 40, seed=1)
    assert drawn == places.draw(sampler.code, kind, 40, seed=1)
    for place in drawn:
        before = place.request.prefix.rpartition("\n")[2]
        assert place.wanted.strip() and "\n" not in place.wanted
        assert bool(before.strip()) == (kind == places.REST)
        whole = place.request.prefix + place.wanted
        assert any(whole in one.text for one in sampler.code.texts)
        assert place.request.suffix == "" or place.request.suffix[0] in " \n"
