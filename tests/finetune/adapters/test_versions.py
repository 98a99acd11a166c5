"""An adapter keeps the one before it, and the two change places at once."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant import paths
from assistant.cli.app import app
from assistant.errors import UsageError
from assistant.registry import adapter_named, adapters
from assistant_finetune.adapters import exchange, rollback
from assistant_finetune.adapters.versions import former, install

FILE = "adapter_config.json"


def trained(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_text(f'{{"base_model_name_or_path": "{text}"}}')
    return folder


def no_system_call(first: Path, second: Path) -> None:
    raise OSError(errno.EINVAL, "not on this file system")


@pytest.fixture(params=[exchange._at_once, no_system_call], ids=["at once", "one by one"])
def any_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    way: Callable[[Path, Path], None] = request.param
    monkeypatch.setattr(exchange, "_at_once", way)


@pytest.mark.usefixtures("any_disk")
def test_the_former_is_the_one_that_was_in_place(tmp_path: Path) -> None:
    def in_place() -> str:
        return adapter_named("mine").base

    for base in ("one", "two"):
        install(trained(tmp_path / "run", base), "mine")
    assert in_place() == "two"
    rollback("mine")
    assert in_place() == "one"
    install(trained(tmp_path / "run", "three"), "mine")
    assert in_place() == "three"
    for expected in ("one", "three", "one"):
        rollback("mine")
        assert in_place() == expected
    assert [one.name for one in adapters()] == ["mine"], "no other is listed"
    left = {path.name for path in paths.adapters_dir().iterdir()}
    assert left == {"mine", ".former"}
    assert [path.name for path in former("mine").parent.iterdir()] == ["mine"]


@pytest.mark.usefixtures("any_disk")
def test_where_there_is_no_former_nothing_changes(tmp_path: Path) -> None:
    install(trained(tmp_path / "run", "one"), "mine")
    with pytest.raises(UsageError, match="there is no former mine"):
        rollback("mine")
    present = adapter_named("mine")
    with pytest.raises(OSError):
        exchange.exchange(present.folder, tmp_path / "nothing")
    assert adapter_named("mine") == present


def test_rollback_of_what_is_not_there_names_what_is(tmp_path: Path) -> None:
    install(trained(tmp_path / "run", "one"), "mine")
    ran = CliRunner().invoke(app, ["adapters", "rollback", "yours"])
    assert ran.exit_code != 0
    assert "there is no adapter yours: there are mine" in str(ran.exception)
