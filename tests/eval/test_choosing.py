"""A limit takes a fair sample, and the same one every time."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import UsageError
from assistant_eval.mmlu.choosing import choose, stratified
from assistant_eval.mmlu.folder import read_folder
from assistant_eval.mmlu.questions import Exam

SIZES = st.dictionaries(st.text("abcdef", min_size=1), st.integers(1, 40), min_size=1, max_size=8)


@given(SIZES, st.integers(0, 5), st.data())
def test_each_subject_has_its_share_of_every_beginning(
    sizes: dict[str, int], seed: int, data: st.DataObject
) -> None:
    order = stratified(sizes, seed)
    whole = sum(sizes.values())
    assert sorted(order) == sorted((name, place) for name in sizes for place in range(sizes[name]))
    limit = data.draw(st.integers(1, whole))
    taken = Counter(name for name, _ in order[:limit])
    for name, size in sizes.items():
        share = size * limit / whole
        # Sainte-Laguë's method keeps every two shares within one seat of each other.
        for other, other_size in sizes.items():
            assert (taken[name] - 0.5) / size <= (taken[other] + 0.5) / other_size + 1e-9
        assert abs(taken[name] - share) < len(sizes)


def test_a_larger_limit_takes_the_same_questions_and_more(folder: Path) -> None:
    exam = read_folder(folder, 0)

    def asked(limit: int, seed: int = 1) -> set[tuple[str, int]]:
        chosen = choose(exam, (), limit, seed)
        return {(subject.name, question.number) for subject, question in chosen}

    assert asked(4) < asked(12) < asked(21)
    assert len(asked(12)) == 12
    assert asked(12) != asked(12, seed=2)
    assert asked(100) == asked(21)


def test_subjects_and_categories(folder: Path) -> None:
    exam = read_folder(folder, 0)

    def names(*wanted: str) -> list[str]:
        return [subject.name for subject in choose(exam, wanted, None, 0).subjects]

    assert names("anatomy") == ["anatomy"]
    assert names("stem", "anatomy") == ["anatomy", "astronomy"]
    assert names() == ["anatomy", "astronomy", "formal_logic"]


def test_unknown_subjects_are_all_named(folder: Path) -> None:
    exam: Exam = read_folder(folder, 0)
    with pytest.raises(UsageError) as error:
        choose(exam, ("anatomie", "astronomy", "alchemy"), None, 0)
    assert "anatomie (did you mean anatomy?), alchemy" in str(error.value)
