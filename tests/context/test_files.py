"""Which files of a project are read, and which never."""

import os
from pathlib import Path

import pytest

from assistant.context.files import LARGEST, is_kept, is_project, read_source, source_files

CODE = "def f(): ...\n"


def put(root: Path, *paths: str, text: str = CODE) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def found(root: Path) -> list[str]:
    return sorted(file.path for file in source_files(root))


def test_what_git_ignores_is_not_read(tmp_path: Path) -> None:
    put(tmp_path, "a.py", "out/b.py", "src/c.py", "src/made.py", "src/deep/made.py", "src/keep.py")
    put(tmp_path, "node_modules/d.js", ".venv/e.py", "mine/f.py")
    put(tmp_path, ".gitignore", text="out/\n*keep.py\n")
    put(tmp_path, "src/.gitignore", text="made.py\n!keep.py\n")
    put(tmp_path, ".git/info/exclude", text="mine\n")
    assert found(tmp_path) == ["a.py", "src/c.py", "src/keep.py"]
    every = ["a.py", "out/b.py", "src/c.py", "src/made.py", "src/keep.py", "mine/f.py"]
    assert [path for path in every if is_kept(tmp_path, path)] == found(tmp_path)
    assert not is_kept(tmp_path, "node_modules/d.js")


def test_secrets_are_not_read(tmp_path: Path) -> None:
    put(tmp_path, "a.py", "secrets.py", "credentials.py", ".env.py", ".ssh/config.py")
    assert found(tmp_path) == ["a.py"]
    assert read_source(tmp_path / "secrets.py") is None


def test_what_no_person_wrote_is_not_read(tmp_path: Path) -> None:
    put(tmp_path, "large.py", text="x = 1\n" * LARGEST)
    put(tmp_path, "small.js", text="f();" * 2_000)
    (tmp_path / "binary.py").write_bytes(b"\0\1\2")
    assert found(tmp_path) == ["binary.py", "small.js"]
    assert read_source(tmp_path / "binary.py") is None
    assert read_source(tmp_path / "small.js") is None


def test_links_are_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "away/a.py", "project/b.py")
    (tmp_path / "project" / "link").symlink_to(tmp_path / "away")
    (tmp_path / "project" / "c.py").symlink_to(tmp_path / "away" / "a.py")
    (tmp_path / "project" / "loop").symlink_to(tmp_path / "project")
    assert found(tmp_path / "project") == ["b.py"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "a.py", "closed/b.py")
    (tmp_path / "closed").chmod(0)
    assert found(tmp_path) == ["a.py"]


def test_a_home_folder_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home" / "me"))
    (tmp_path / "home" / "me" / "project").mkdir(parents=True)
    assert is_project(tmp_path / "home" / "me" / "project")
    assert not is_project(tmp_path / "home" / "me")
    assert not is_project(tmp_path / "home")
    assert not is_project(tmp_path / "nowhere")
