"""What is asked: places of a project that the model cannot have learned, and nothing else."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import UsageError
from assistant.held_out import file_identity, is_held_out
from assistant_eval.completion.blame import newer_lines
from assistant_eval.completion.places import KINDS, choose
from assistant_eval.completion.unseen import Unseen, unseen
from tests.eval.completion.projects import FIRST, LATER, NEW, OLD, TRAINED, write_project

_LINES = st.lists(
    st.sampled_from(
        ["", "    ", "x = 1", "    return value", "\tif here:", "def f(a):", "  名前 = 1"]
    )
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "project")


def note(folder: Path, **fields: object) -> Path:
    folder.mkdir()
    (folder / "trained.json").write_text(json.dumps(fields), "utf-8")
    return folder


def test_git_knows_which_lines_are_newer(project: Path) -> None:
    first = FIRST.count("\n")
    after = frozenset(range(first + 1, first + LATER.count("\n") + 3))
    assert newer_lines(project, "sums.py", TRAINED) == after
    assert newer_lines(project, "sums.py", NEW) == {max(after) - 1, max(after)}  # not committed
    assert newer_lines(project, "old.py", TRAINED) == frozenset()
    (project / "new.py").write_text("x = 1\n", "utf-8")
    assert newer_lines(project, "new.py", OLD) == frozenset()


def test_only_newer_lines_are_asked_for(project: Path) -> None:
    adapter = note(
        project.parent / "mine", trained_at=TRAINED.isoformat(), data=[str(project)], held_out=0
    )
    places = choose(project, unseen(project, adapter, None), 50, 0)
    assert {place.path for place in places} == {"sums.py"}
    assert min(place.line for place in places) > FIRST.count("\n")
    texts = {place.text for place in places if place.kind == "line"}
    assert texts == {
        "def multiply(first, second):",
        "product = first * second",
        "return product",
        "number = add(1, 2)",
    }
    assert [place.text for place in places if place.kind == "block"] == [
        "def multiply(first, second):\n    product = first * second\n    return product",
        "product = first * second\n    return product",
    ]


def test_a_file_that_training_put_aside_is_asked_for_whole(project: Path) -> None:
    share = 0.5
    name = next(
        name
        for name in (f"aside{number}.py" for number in range(100))
        if is_held_out(file_identity(name), share)
    )
    (project / name).write_text(FIRST, "utf-8")
    fields = {"trained_at": TRAINED.isoformat(), "held_out": share}
    same = note(project.parent / "same", data=[str(project)], **fields)
    assert name in {one.path for one in choose(project, unseen(project, same, None), 50, 0)}
    other = note(project.parent / "other", data=[str(project / "inner")], **fields)
    assert name not in {one.path for one in choose(project, unseen(project, other, None), 50, 0)}


def test_without_an_adapter_everything_is_asked_for(project: Path) -> None:
    places = choose(project, unseen(project, None, None), 50, 0)
    assert {place.path for place in places} == {"sums.py", "old.py"}
    assert choose(project, unseen(project, None, TRAINED), 50, 0) != places


def test_who_does_not_say_what_it_learned_is_refused(project: Path) -> None:
    silent = note(project.parent / "silent", base="starter")
    with pytest.raises(UsageError, match="--since"):
        unseen(project, silent, None)
    assert unseen(project, silent, TRAINED) == Unseen(project, TRAINED)


def test_a_folder_without_a_history_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(FIRST, "utf-8")
    with pytest.raises(UsageError, match="no git repository"):
        unseen(tmp_path, None, TRAINED)


def test_a_project_without_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing in"):
        choose(tmp_path, unseen(tmp_path, None, None), 5, 0)


@given(lines=_LINES, ending=st.sampled_from(["\n", "\r\n"]), count=st.integers(1, 20))
def test_a_place_is_a_gap_in_its_file(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], ending: str, count: int
) -> None:
    folder = tmp_path_factory.mktemp("project")
    text = ending.join(lines)
    (folder / "a.py").write_bytes(text.encode())
    try:
        places = choose(folder, unseen(folder, None, None), count, 1)
    except UsageError:
        assert not any(len(line.strip()) >= 4 for line in lines)
        return
    for place in places:
        request = place.request
        gap = text[len(request.prefix) : len(text) - len(request.suffix)]
        assert request.prefix + gap + request.suffix == text
        assert gap.replace("\r\n", "\n") == place.text == place.text.strip()
        assert request.prefix.count("\n") + 1 == place.line
        assert not request.prefix.rpartition("\n")[2].strip()
        assert place.lines == 1 if place.kind == "line" else 2 <= place.lines <= 5
    for kind in KINDS:
        assert sum(place.kind == kind for place in places) <= count
