"""What the commands that ask a model have in common: options, the client, progress, streaming."""

import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from assistant.client import ModelCard, ModelClient

Result = TypeVar("Result")

ModelOption = Annotated[
    str | None,
    typer.Option("--model", "-m", help="A model's name or folder.", show_default="from settings"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@contextmanager
def packages_of(extra: str) -> Iterator[None]:
    """Say what to install where a package of this extra is missing. Raises UsageError."""
    try:
        yield
    except ModuleNotFoundError as error:
        from assistant.errors import UsageError

        raise UsageError(
            f"the package {error.name} is missing: pip install 'assistant[{extra}]'"
        ) from error


@dataclass(frozen=True)
class Session:
    """A client whose model is loaded."""

    client: "ModelClient"
    card: "ModelCard"


def with_model(
    work: Callable[[Session], Awaitable[Result]], model: str | None = None
) -> tuple[Result, float]:
    """Run `work` with a model that is ready; returns its result and the seconds it took.

    The time does not count the start of the server. Raises whatever the client or `work` raises.
    """
    import asyncio

    from assistant.client import ModelClient
    from assistant.config import load_settings

    settings = load_settings()
    if model is not None:
        settings = settings.model_copy(update={"model": model})

    async def run() -> tuple[Result, float]:
        client = ModelClient(settings)
        try:
            with Status() as status:
                card = await client.ready(status.show)
            begin = time.perf_counter()
            result = await work(Session(client, card))
            return result, time.perf_counter() - begin
        finally:
            await client.aclose()

    return asyncio.run(run())


class Status:
    """One line of progress on standard error; silent where that is not a terminal."""

    def __init__(self) -> None:
        self._width = 0

    def __enter__(self) -> "Status":
        return self

    def __exit__(self, *_: object) -> None:
        self.show("")

    def show(self, line: str) -> None:
        """Replace the line; an empty one clears it."""
        if not sys.stderr.isatty():
            return
        print("\r" + line.ljust(self._width), end="\r" if not line else "", file=sys.stderr)
        sys.stderr.flush()
        self._width = len(line)


class Printed:
    """A growing text on standard output."""

    def __init__(self, *, silent: bool = False) -> None:
        """A `silent` one prints nothing."""
        self._silent = silent
        self._length = 0

    def show(self, text: str) -> None:
        """Print what has come to `text` since the last time."""
        if not self._silent:
            print(text[self._length :], end="", flush=True)
            self._length = len(text)

    def end(self) -> None:
        """End the line."""
        if self._length:
            print()
