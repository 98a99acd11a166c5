"""What works on this machine, what doesn't, and what to do about it."""

import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import typer

from assistant.cli.session import JsonOption
from assistant.errors import AssistantError, ExitCode

if TYPE_CHECKING:
    from assistant.config import Settings


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    what: str
    good: bool
    detail: str
    advice: str = ""
    needed: bool = True
    """Whether the assistant cannot work without it."""


def doctor(as_json: JsonOption = False) -> None:
    """Check this machine, the settings, the model and the editor; exits 1 when something fails."""
    findings = list(_findings())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _print(findings)
    if any(finding.needed and not finding.good for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _findings() -> Iterator[Finding]:
    yield Finding("Python", True, f"{platform.python_version()} on {platform.system()}")
    yield _packages("model server", "server", ("torch", "transformers", "fastapi", "peft"))
    yield _packages("language server", "lsp", ("pygls", "lsprotocol"))
    yield _packages("terminal interface", "tui", ("textual", "tree_sitter_markdown"))
    yield _packages("4-bit NF4", "server", ("bitsandbytes",), needed=False)
    yield _packages("4-bit GPTQ", "gptq", ("gptqmodel", "optimum"), needed=False)
    yield _memory()
    yield _accelerator()
    yield from _settings_and_model()
    yield _server()
    yield _neovim()


def _packages(what: str, extra: str, names: tuple[str, ...], *, needed: bool = True) -> Finding:
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        advice = f"pip install 'assistant[{extra}]'"
        return Finding(what, False, f"missing: {', '.join(missing)}", advice, needed)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return Finding(what, True, versions)


def _memory() -> Finding:
    from assistant.paths import data_dir

    place = data_dir()
    while not place.exists():
        place = place.parent
    free_disk = shutil.disk_usage(place).free / 1e9
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    detail = f"{os.cpu_count()} cores, {memory:.0f} GB of memory, {free_disk:.0f} GB of disk free"
    return Finding("machine", True, detail, "`assistant models plan` says which models fit")


def _accelerator() -> Finding:
    """Asked of the driver's own tool: importing torch for it would take seconds."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        if sys.platform == "darwin" and platform.machine() == "arm64":
            return Finding("GPU", True, "Apple silicon (mps)")
        detail = "none found: models run on the CPU"
        return Finding("GPU", False, detail, "small models are quick enough", needed=False)
    return Finding("GPU", True, "; ".join(found.stdout.strip().splitlines()))


def _settings_and_model() -> Iterator[Finding]:
    from assistant.config import load_settings
    from assistant.paths import config_file

    try:
        settings = load_settings()
    except AssistantError as error:
        yield Finding("settings", False, str(error), f"edit {config_file()}")
        return
    where = f"{config_file()}" + (
        "" if config_file().exists() else " (not there: the defaults hold)"
    )
    yield Finding("settings", True, where)
    yield _checked("model", lambda: _describe_model(settings))


def _describe_model(settings: "Settings") -> str:
    if settings.server_url:
        return f"served by {settings.server_url}"
    from assistant.registry import locate

    local = locate(settings.model, settings.adapter)
    adapter = f" with the adapter {local.adapter}" if local.adapter else ""
    return f"{local.name} in {local.folder}{adapter}"


def _checked(what: str, work: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, work())
    except AssistantError as error:
        return Finding(what, False, str(error))


def _server() -> Finding:
    from assistant.paths import server_file

    try:
        state = json.loads(server_file().read_text())
        os.kill(state["pid"], 0)
    except (OSError, ValueError, KeyError):
        detail = "not running; it starts by itself when it is needed"
        return Finding("running server", True, detail, needed=False)
    return Finding("running server", True, f"{state['model']} at {state['url']}")


def _neovim() -> Finding:
    found = shutil.which("nvim")
    if found is None:
        return Finding("Neovim", False, "not found", "any LSP editor will do", needed=False)
    output = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    version = output.stdout.splitlines()[0].removeprefix("NVIM v") if output.stdout else "0"
    numbers = tuple(int(part) for part in version.split("-")[0].split(".")[:2] if part.isdigit())
    if numbers < (0, 12):
        advice = "ghost text needs Neovim 0.12 or newer"
        return Finding("Neovim", False, version, advice, needed=False)
    return Finding("Neovim", True, version)


def _print(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        mark = (
            "[green]ok[/]" if finding.good else "[red]no[/]" if finding.needed else "[yellow]--[/]"
        )
        detail = finding.detail + (f" ({finding.advice})" if finding.advice else "")
        table.add_row(mark, finding.what, detail)
    Console(highlight=False).print(table)
