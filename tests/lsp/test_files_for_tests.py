"""Tests of a file go where its project keeps such tests."""

from pathlib import Path

import pytest

from assistant_lsp.files_for_tests import file_for_tests, is_test


def project(root: Path, *files: str) -> None:
    for name in (*files, ".git/HEAD"):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


@pytest.mark.parametrize(
    ("language", "source", "files", "wanted", "exists"),
    [
        ("python", "x.py", [], "test_x.py", False),
        ("python", "x.py", ["tests/test_y.py"], "tests/test_x.py", False),
        ("python", "x.py", ["tests/y_test.py"], "tests/x_test.py", False),
        ("python", "x.py", ["tests/test_x.py"], "tests/test_x.py", True),
        ("python", "x.py", ["tests/conftest.py"], "tests/test_x.py", False),
        ("python", "src/pkg/x.py", ["tests/pkg/test_y.py"], "tests/pkg/test_x.py", False),
        ("python", "pkg/sub/x.py", ["tests/sub/test_x.py"], "tests/sub/test_x.py", True),
        ("python", "pkg/x.py", ["pkg/test_y.py", "tests/test_z.py"], "pkg/test_x.py", False),
        ("python", "pkg/__init__.py", ["tests/test_y.py"], "tests/test_pkg.py", False),
        ("typescript", "src/x.ts", [], "src/x.test.ts", False),
        ("typescript", "src/x.ts", ["src/y.spec.ts"], "src/x.spec.ts", False),
        (
            "typescriptreact",
            "src/x.tsx",
            ["src/__tests__/y.test.tsx"],
            "src/__tests__/x.test.tsx",
            False,
        ),
        ("go", "x.go", ["tests/y_test.go"], "x_test.go", False),
        ("go", "x.go", ["x_test.go"], "x_test.go", True),
        (
            "java",
            "src/main/java/a/X.java",
            ["src/test/java/a/YTest.java"],
            "src/test/java/a/XTest.java",
            False,
        ),
        ("ruby", "lib/x.rb", ["spec/y_spec.rb"], "spec/x_spec.rb", False),
        ("nim", "x.nim", [], "test_x.nim", False),
    ],
)
def test_they_are_where_the_project_keeps_its_tests(
    tmp_path: Path, language: str, source: str, files: list[str], wanted: str, exists: bool
) -> None:
    project(tmp_path, source, *files)
    for root in (str(tmp_path), ""):  # the folder that is open, or the project that it lies in
        found = file_for_tests(str(tmp_path / source), language, root)
        assert (str(found.path.relative_to(tmp_path)), found.exists) == (wanted, exists)


def test_nothing_outside_the_project_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    project(tmp_path / "mine", "x.py")
    found = file_for_tests(str(tmp_path / "mine" / "x.py"), "python", "")
    assert found.path == tmp_path / "mine" / "test_x.py"


def test_a_folder_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    gone = tmp_path / "gone" / "x.py"
    assert file_for_tests(str(gone), "python", "").path == gone.with_name("test_x.py")


@pytest.mark.parametrize(
    "name", ["test_x.py", "x_test.go", "x.test.ts", "x.spec.tsx", "XTest.java"]
)
def test_a_test_is_known_by_its_name(name: str) -> None:
    assert is_test(f"/project/{name}")


@pytest.mark.parametrize(
    "name", ["x.py", "latest.py", "contest.go", "testing.py", "/tests/conftest.py"]
)
def test_other_files_are_none(name: str) -> None:
    assert not is_test(f"/project/{name}")
