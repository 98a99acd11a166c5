"""Claim: in a project of 2,000 files, a request waits less than 2 ms for its context.

Makes such a project, has it indexed by the process that does so for the language server, and asks
for what is sent with a completion again and again, as keys do. Prints how long that takes, and what
happens beside: how long the index takes, at first and when nothing has changed, and one gathering.
Exits 1 when the claim does not hold for the median: the slowest tell what else the machine does.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lsprotocol import types

from assistant.client.connection import ModelCard
from assistant.completion.window import request_at
from assistant.context.index import SymbolIndex
from assistant.context.indexer import Indexer
from assistant.paths import HOME_VARIABLE
from assistant.prompts.tasks import Wording
from assistant_lsp.context import ProjectContext
from assistant_lsp.documents import Document, Documents
from assistant_lsp.settings import EditorSettings
from assistant_lsp.window import around
from bench.targets import Target, verdict

TARGET = Target(2.0, at_most=True)
PATIENCE_SECONDS = 120.0
FILES_IN_FOLDER = 40
CARD = ModelCard("m", 8192, Wording.FULL, False, True, ("context", "prefix", "suffix"), "m")


def module(number: int, generator: random.Random) -> str:
    """About a hundred lines like those that people write."""
    others = generator.sample(range(number), min(number, 4))
    lines = [f'"""Module {number}."""', ""]
    lines += [
        f"from folder_{n // FILES_IN_FOLDER}.module_{n} import Thing{n}, do_{n}_0" for n in others
    ]
    lines += ["", "", f"class Thing{number}:", f'    """A thing of {number}."""', ""]
    for method in range(5):
        lines += [
            f"    def method_{method}(self, value: int, other: str) -> int:",
            f'        """Computes {method}."""',
            *(f"        value += {n} * len(other)" for n in range(6)),
            "        return value",
            "",
        ]
    for function in range(4):
        lines += [
            "",
            f"def do_{number}_{function}(thing: Thing{number}, count: int = 1) -> int:",
            f'    """Does {function} with a thing."""',
            *(f"    count = do_{n}_0(Thing{n}(), count)" for n in others),
            f"    return thing.method_{function}(count, 'text')",
            "",
        ]
    return "\n".join(lines)


def make_project(root: Path, files: int) -> Path:
    """Write the project; returns its last file."""
    generator = random.Random(0)
    path = root
    for number in range(files):
        path = root / f"folder_{number // FILES_IN_FOLDER}" / f"module_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(module(number, generator))
    return path


def index_seconds(root: Path) -> tuple[float, float]:
    """How long it takes to index all, and to see that nothing has changed."""
    indexer = Indexer(SymbolIndex())

    def run(begin: Callable[[], None]) -> float:
        started = time.perf_counter()
        begin()
        while not indexer.idle:
            indexer.step()
        return time.perf_counter() - started

    return run(lambda: indexer.take({"roots": [str(root)]})), run(indexer.look)


async def request_seconds(
    root: Path, file: Path, requests: int
) -> tuple[list[float], list[float], int]:
    """How long each request, and each gathering, takes; and the characters that are sent."""
    documents, uri = Documents(), file.as_uri()
    context = ProjectContext(documents, EditorSettings, lambda problem: None)
    context.open_roots([root])
    documents.open(types.TextDocumentItem(uri, "python", 1, file.read_text()))
    document = documents.get(uri)
    assert document is not None
    offset = len(document.buffer.text) * 2 // 3
    ask = asking(context, document, offset)
    end = time.monotonic() + PATIENCE_SECONDS
    while not (size := ask()) and time.monotonic() < end:
        await asyncio.sleep(0.1)
    times, gatherings = [], []
    for number in range(requests):
        begun = time.perf_counter()
        ask()
        times.append(time.perf_counter() - begun)
        if number % (requests // 10) == 0:
            begun = time.perf_counter()
            await context.gather()
            gatherings.append(time.perf_counter() - begun)
    size = ask()
    await context.aclose()
    return times, gatherings, size


def asking(context: ProjectContext, document: Document, offset: int) -> Callable[[], int]:
    """Asks for what is sent at a place; gives the characters of other files in it."""
    before, after = around(document.buffer, offset)
    alone = request_at(before, after, document.language, document.path, CARD.context)

    def ask() -> int:
        context.at(document, offset)
        whole = context.request(document, before, after, CARD, ahead=False)
        return whole.size - alone.size

    return ask


def main() -> None:
    """Measure, print, and exit 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ[HOME_VARIABLE] = str(Path(folder) / "home")
        root = Path(folder) / "project"
        file = make_project(root, options.files)
        first, again = index_seconds(root)
        times, gatherings, size = asyncio.run(request_seconds(root, file, options.requests))
    median = 1000 * statistics.median(times)
    figures = {
        "index (s)": first,
        "index again (s)": again,
        "request, median (ms)": median,
        "request, p99 (ms)": 1000 * statistics.quantiles(times, n=100)[98],
        "gathering in a pause, median (ms)": 1000 * statistics.median(gatherings),
        "characters sent": size,
    }
    found = verdict(median, TARGET)
    if options.json:
        print(json.dumps({"figures": figures, "ratios": {"request, median (ms)": found}}))
    else:
        for name, value in figures.items():
            print(f"{name:<36}{value:12.3f}")
        print(f"{'target':<36}{TARGET.value:12.3f}   for the median of a request, at most")
    sys.exit(not found["holds"])


if __name__ == "__main__":
    main()
