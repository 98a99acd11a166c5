"""Settings come from a file and the environment, and every wrong one is named."""

from pathlib import Path

import pytest

from assistant.config import load_settings
from assistant.errors import UsageError
from assistant.paths import HOME_VARIABLE


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    folder = tmp_path / "config"
    folder.mkdir()
    return folder / "config.toml"


def test_without_a_file_the_starter_is_used(config: Path) -> None:
    assert load_settings().model == "starter"


def test_the_environment_stands_above_the_file(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('model = "vicuna-13b"\nquantization = "nf4"\n')
    monkeypatch.setenv("ASSISTANT_MODEL", "vicuna-7b")
    settings = load_settings()
    assert (settings.model, settings.quantization) == ("vicuna-7b", "nf4")


def test_all_wrong_settings_are_named_at_once(config: Path) -> None:
    config.write_text('quantization = "int3"\nidle_minutes = -1\n')
    with pytest.raises(UsageError) as raised:
        load_settings()
    assert "quantization" in str(raised.value)
    assert "idle_minutes" in str(raised.value)
    assert str(config) in str(raised.value)


def test_a_broken_file_is_named(config: Path) -> None:
    config.write_text("model = ")
    with pytest.raises(UsageError, match=r"config\.toml"):
        load_settings()


def test_instructions_and_keys_are_tables(config: Path) -> None:
    config.write_text('[instructions]\n"For the log" = "One line."\n[keys]\npolish = "f5"\n')
    settings = load_settings()
    assert settings.instructions == {"For the log": "One line."}
    assert settings.keys == {"polish": "f5"}
