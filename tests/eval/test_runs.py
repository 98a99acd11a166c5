"""A run's folder keeps whole pieces, whatever became of the process that wrote them."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import UsageError
from assistant_eval.runs import ANSWERS_FILE, PASSPORT_FILE, Run, differences

PIECES = st.lists(
    st.lists(st.fixed_dictionaries({"text": st.text()}), min_size=1, max_size=3), max_size=5
)


@given(PIECES, st.data())
def test_a_file_that_breaks_off_anywhere_is_gone_on_with(
    pieces: list[list[dict[str, str]]], data: st.DataObject
) -> None:
    sizes = [len(piece) for piece in pieces]
    with TemporaryDirectory() as folder:
        run = Run(Path(folder))
        with run.writing() as written:
            for piece in pieces:
                written.write(piece)
        file = run.path / ANSWERS_FILE
        whole = file.read_bytes()
        assert run.answers() == [line for piece in pieces for line in piece]
        file.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
        done = run.pieces(sizes)
        assert done <= len(pieces)
        with run.writing() as written:
            for piece in pieces[done:]:
                written.write(piece)
        assert file.read_bytes() == whole
        assert run.pieces(sizes) == len(pieces)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    with run.locked(), pytest.raises(UsageError, match="under way elsewhere"), run.locked():
        pass
    with run.locked():
        pass


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.md").write_text("mine")
    with pytest.raises(UsageError, match="holds something else"):
        Run(tmp_path).passport()
    (tmp_path / PASSPORT_FILE).write_text("{")
    with pytest.raises(UsageError, match="is damaged"):
        Run(tmp_path).passport()


def test_a_begun_run_knows_its_passport(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    with run.locked():
        assert run.passport() is None
        run.begin({"model": {"name": "starter"}})
        assert run.passport() == {"model": {"name": "starter"}}
    mode = (tmp_path / "run" / PASSPORT_FILE).stat().st_mode
    assert mode & 0o077 == 0


def test_differences_are_named_by_their_path() -> None:
    one = {"shots": 5, "model": {"name": "a", "adapter": None}, "same": [1]}
    other = {"shots": 0, "model": {"name": "a", "adapter": "b"}, "same": [1], "more": 1}
    assert differences(one, other) == ["shots", "model.adapter", "more"]
    assert differences(one, json.loads(json.dumps(one))) == []
