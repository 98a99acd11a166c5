"""What may be recorded is the user's to say, for everything and for each project."""

import os
from pathlib import Path

import pytest

from assistant.history import Consent
from assistant.history.consent import PROJECT_FILE
from assistant.paths import config_file
from assistant.secrets import is_secret


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def consent(told: list[str]) -> Consent:
    return Consent(told.append)


def switch(file: Path, content: str, age: int = 0) -> None:
    """Write a file that is `age` seconds newer than the last one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    seconds = file.stat().st_mtime + age
    os.utime(file, (seconds, seconds))


def test_without_a_word_everything_is_recorded(consent: Consent, tmp_path: Path) -> None:
    assert consent.allows(str(tmp_path / "a.py"))
    assert consent.allows("")


def test_the_settings_turn_it_off_and_on_again(consent: Consent, tmp_path: Path) -> None:
    switch(config_file(), "record = false\n")
    assert not consent.allows(str(tmp_path / "a.py"))
    switch(config_file(), "record = true\n", age=10)
    assert consent.allows(str(tmp_path / "a.py"))


def test_a_project_turns_it_off_for_what_is_in_it(consent: Consent, tmp_path: Path) -> None:
    switch(tmp_path / "private" / PROJECT_FILE, "record = false\n")
    assert not consent.allows(str(tmp_path / "private" / "src" / "a.py"))
    assert consent.allows(str(tmp_path / "other" / "a.py"))
    assert consent.allows("")


def test_the_nearest_file_counts_and_a_change_of_it_is_seen(
    consent: Consent, tmp_path: Path
) -> None:
    switch(tmp_path / PROJECT_FILE, "record = false\n")
    switch(tmp_path / "open" / PROJECT_FILE, "# nothing said\n")
    file = str(tmp_path / "open" / "a.py")
    assert consent.allows(file)
    switch(tmp_path / "open" / PROJECT_FILE, "record = false\n", age=10)
    assert not consent.allows(file)


def test_the_settings_stand_above_the_project(consent: Consent, tmp_path: Path) -> None:
    switch(config_file(), "record = false\n")
    switch(tmp_path / PROJECT_FILE, "record = true\n")
    assert not consent.allows(str(tmp_path / "a.py"))


@pytest.mark.parametrize("content", ["record = ", "record = 'no'\n", "record = 0\n"])
def test_where_a_file_makes_no_sense_nothing_is_recorded_and_that_is_said_once(
    consent: Consent, told: list[str], tmp_path: Path, content: str
) -> None:
    switch(tmp_path / PROJECT_FILE, content)
    for name in ("a.py", "b.py"):
        assert not consent.allows(str(tmp_path / name))
    (problem,) = told
    assert str(tmp_path / PROJECT_FILE) in problem
    assert "\n" not in problem


def test_settings_that_make_no_sense_record_nothing(consent: Consent, told: list[str]) -> None:
    switch(config_file(), "record = 'perhaps'\n")
    assert not consent.allows("/a.py")
    assert not consent.allows("/b.py")
    (problem,) = told
    assert "config.toml" in problem


@pytest.mark.parametrize(
    "path",
    [
        "/p/.env",
        "/p/.env.local",
        "server.PEM",
        "/home/me/.ssh/id_rsa",
        "id_ed25519.pub",
        "a.key",
        "passwords.kdbx",
        "/home/me/.aws/credentials",
        "credentials.json",
        "/home/me/.netrc",
        "/home/me/.npmrc",
        "secrets.yaml",
        "prod.env",
        "main.tfvars",
        "/home/me/.ssh/config",
        "/home/me/.kube/cache/x",
    ],
)
def test_secrets_are_never_recorded(consent: Consent, path: str) -> None:
    assert is_secret(path)
    assert not consent.allows(path)


@pytest.mark.parametrize("path", ["", "a.py", "environment.py", "keys.md", "/p/.env.d/a.py"])
def test_other_files_are_no_secrets(path: str) -> None:
    assert not is_secret(path)
