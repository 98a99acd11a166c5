"""Questions from files: read as they are, refused with everything that is wrong."""

from pathlib import Path

import pytest

from assistant.errors import UsageError
from assistant_eval.mmlu.folder import read_folder
from tests.eval.exams import rows, subject, write_exam, write_rows


def test_text_stays_as_it_is(tmp_path: Path) -> None:
    question = ['He said "no",\nthen left. ', "None", "nan", "1,000", " NULL ", "C"]
    write_rows(tmp_path / "test" / "anatomy_test.csv", [question])
    exam = read_folder(tmp_path, shots=0)
    (found,) = exam.subjects[0].questions
    assert [found.text, *found.options, found.letter] == question


def test_all_subjects_with_their_first_examples(folder: Path) -> None:
    exam = read_folder(folder, shots=2)
    assert [one.name for one in exam.subjects] == ["anatomy", "astronomy", "formal_logic"]
    assert len(exam) == 21
    made = subject("astronomy", 7)
    assert exam.subjects[1].shots == made.shots[:2]
    assert exam.subjects[1].questions == made.questions


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    good = rows(subject("anatomy", 2).questions)
    write_exam(tmp_path, {"anatomy": 2, "virology": 1})
    write_rows(tmp_path / "test" / "anatomy_test.csv", [good[0], good[1][:5], (*good[0][:5], "E")])
    write_rows(tmp_path / "test" / "astronomy_test.csv", [good[0]])
    write_rows(tmp_path / "test" / "virology_test.csv", [("", *good[0][1:])])
    write_rows(tmp_path / "dev" / "virology_dev.csv", good[:1])
    (tmp_path / "test" / "marketing_test.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError) as error:
        read_folder(tmp_path, shots=3)
    told = str(error.value)
    assert "\n" not in told
    for problem in (
        "test/anatomy_test.csv, row 2: 5 fields instead of 6",
        "test/anatomy_test.csv, row 3: the answer is 'E', not A, B, C or D",
        "dev/astronomy_dev.csv is missing",
        "dev/marketing_dev.csv is missing",
        "test/marketing_test.csv cannot be read",
        "test/virology_test.csv, row 1: an empty field",
        "dev/virology_dev.csv has 1 examples, 3 are asked for",
    ):
        assert problem in told


def test_examples_are_not_needed_for_none(tmp_path: Path) -> None:
    write_rows(tmp_path / "test" / "anatomy_test.csv", rows(subject("anatomy", 2).questions))
    assert len(read_folder(tmp_path, shots=0)) == 2


@pytest.mark.parametrize(
    ("inside", "told"),
    [(None, "there is no such folder"), ("data/test", "choose "), ("other", "it needs test/")],
)
def test_another_folder_is_refused_with_a_hint(
    inside: str | None, told: str, tmp_path: Path
) -> None:
    folder = tmp_path / "mmlu"
    if inside is not None:
        (folder / inside).mkdir(parents=True)
    with pytest.raises(UsageError, match=told):
        read_folder(folder, shots=5)
