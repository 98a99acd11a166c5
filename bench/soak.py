"""An hour of mixed load on a real server: nothing is left behind.

A server with the starter answers chats, completions and requests to an adapter at once, and many
of them are broken off by their clients, at every stage. Its resident memory at the end may be 2%
above its level after the first minute. Then so many streams are cancelled, and the server must be
as before: no request under way, no connection and no file more, and no thread but its pool's.

The requests come from a stock of texts, so that what the server keeps of earlier ones has its size
after the first minute; what grows from then on is lost memory.
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
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import openai

from bench.peers.served import Served, State, save_starter_adapter, serve
from bench.targets import Target, Verdict, verdict

ADAPTER = "starter:style"
POOL_THREADS = min(32, (os.cpu_count() or 1) + 4)
"""What asyncio's pool of threads may grow to; it keeps them, however many streams there were."""
TARGETS = {
    "memory": Target(1.02, at_most=True),
    "requests_left": Target(0, at_most=True),
    "connections_left": Target(0, at_most=True),
    "files_left": Target(0, at_most=True),
    "threads_left": Target(POOL_THREADS, at_most=True),
    "failed_requests": Target(0, at_most=True),
}
CLIENTS = 6
CANCELLING = 16
"""Streams that are broken off at the same time."""
_STOCK = 24
_TOKENS = 40
_SAMPLES_EVERY = 1.0
_LEVEL_SECONDS = 10.0
_SETTLE_SECONDS = 30.0

Request = Callable[[openai.AsyncOpenAI], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Report:
    """What was seen."""

    seconds: float
    done: dict[str, int]
    """Requests by kind."""
    failed: dict[str, int]
    """Requests that ended in an error of which nobody had asked, by its kind."""
    level_bytes: int
    """Resident memory after the first minute, or a tenth of the time."""
    end_bytes: int
    cancelled: int
    before: State
    after: State

    def values(self) -> dict[str, float]:
        """Each claim's value."""
        return {
            "memory": self.end_bytes / self.level_bytes,
            "requests_left": self.after.requests,
            "connections_left": max(0, self.after.connections - self.before.connections),
            "files_left": max(0, self.after.files - self.before.files),
            "threads_left": max(0, self.after.threads - self.before.threads),
            "failed_requests": sum(self.failed.values()),
        }


def stock(seed: int = 0) -> list[tuple[str, Request]]:
    """Requests of every kind, each a name and what sends it."""
    generator = random.Random(seed)
    requests: list[tuple[str, Request]] = []
    for number in range(_STOCK):
        words = f"number {number} of {generator.randint(100, 999)}"
        code = f"def function_{number}(first, second):\n    # {words}\n    return "
        requests += [
            ("chat", _chat("starter", f"Explain this:\n{code}")),
            ("adapter", _chat(ADAPTER, f"Polish: the words {words} is good.")),
            ("completion", _completion(code)),
            ("cancelled", _cancelled("starter", f"Count {words}.", generator.randint(0, 8))),
            ("cancelled", _cancelled(ADAPTER, f"Count {words}.", generator.randint(0, 8))),
        ]
    return requests


def _chat(model: str, text: str) -> Request:
    async def send(client: openai.AsyncOpenAI) -> None:
        async for _ in await _stream(client, model, text):
            pass

    return send


def _completion(prefix: str) -> Request:
    async def send(client: openai.AsyncOpenAI) -> None:
        await client.completions.create(
            model="starter", prompt=prefix, suffix="\n", max_tokens=_TOKENS, temperature=0
        )

    return send


def _cancelled(model: str, text: str, pieces: int) -> Request:
    """A stream that is broken off when so many pieces have come; 0: while it waits for one."""

    async def send(client: openai.AsyncOpenAI) -> None:
        async with await _stream(client, model, text, tokens=1000) as stream:
            if pieces:
                seen = 0
                async for _ in stream:
                    seen += 1
                    if seen >= pieces:
                        break

    return send


async def _stream(
    client: openai.AsyncOpenAI, model: str, text: str, tokens: int = _TOKENS
) -> "openai.AsyncStream[Any]":
    messages: list[Any] = [{"role": "user", "content": text}]
    return await client.chat.completions.create(
        model=model, messages=messages, max_tokens=tokens, temperature=0, stream=True
    )


class Load:
    """Sends requests, and counts them."""

    def __init__(self, served: Served) -> None:
        """To that server."""
        self._served = served
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    async def send(self, client: openai.AsyncOpenAI, kind: str, request: Request) -> None:
        """One request; its failure is counted."""
        try:
            await request(client)
        except openai.OpenAIError as error:
            self.failed[f"{kind}: {type(error).__name__}"] += 1
        else:
            self.done[kind] += 1

    async def mixed(self, requests: Sequence[tuple[str, Request]], seconds: float) -> list[int]:
        """All kinds by several clients for so long; the resident memory, sampled meanwhile."""
        end = time.monotonic() + seconds

        async def one(number: int) -> None:
            generator = random.Random(number)
            async with self._served.client() as client:
                while time.monotonic() < end:
                    await self.send(client, *generator.choice(requests))

        sizes: list[int] = []

        async def sample() -> None:
            while time.monotonic() < end:
                sizes.append(self._served.resident_bytes())
                await asyncio.sleep(_SAMPLES_EVERY)

        await asyncio.gather(sample(), *(one(number) for number in range(CLIENTS)))
        return sizes

    async def cancel(self, number: int) -> None:
        """So many streams that are broken off at every stage, some of them at the same time."""
        pending = iter(range(number))

        async def one() -> None:
            async with self._served.client() as client:
                for count in pending:
                    request = _cancelled("starter", f"Count to {count}.", count % 4)
                    await self.send(client, "cancelled", request)

        await asyncio.gather(*(one() for _ in range(CANCELLING)))


async def _settled(served: Served, expected: State | None = None) -> State:
    """The server's state when nobody asks anything; it may take a moment to get there."""
    end = time.monotonic() + _SETTLE_SECONDS
    while True:
        state = await asyncio.to_thread(served.state)
        as_before = expected is None or state.at_most(expected)
        if (state.requests == 0 and as_before) or time.monotonic() > end:
            return state
        await asyncio.sleep(0.1)


async def soak(served: Served, *, seconds: float, cancels: int) -> Report:
    """Load `served` for so long, then cancel streams, and look what is left."""
    load, begun = Load(served), time.monotonic()
    sizes = await load.mixed(stock(), seconds)
    before = await _settled(served)
    await load.cancel(cancels)
    after = await _settled(served, before)
    first = min(60.0, seconds / 10)
    window = max(1, int(min(_LEVEL_SECONDS, seconds / 10) / _SAMPLES_EVERY))
    start = min(int(first / _SAMPLES_EVERY), len(sizes) - 1)
    return Report(
        seconds=time.monotonic() - begun,
        done=dict(load.done),
        failed=dict(load.failed),
        level_bytes=int(statistics.median(sizes[start : start + window])),
        end_bytes=int(statistics.median(sizes[-window:])),
        cancelled=cancels,
        before=before,
        after=after,
    )


def run(minutes: float, cancels: int) -> Report:
    """A server of its own, with a home of its own, under load."""
    with tempfile.TemporaryDirectory(prefix="assistant-soak-") as home:
        save_starter_adapter(Path(home), ADAPTER.split(":")[1])
        with serve(Path(home)) as served:
            return asyncio.run(soak(served, seconds=60 * minutes, cancels=cancels))


def show(report: Report, verdicts: dict[str, Verdict]) -> None:
    """The table for people."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(report.done.items()))
    print(f"{report.seconds:,.0f} s: {kinds}")
    print(
        f"memory {report.level_bytes / 1e6:,.0f} MB after the first minute,"
        f" {report.end_bytes / 1e6:,.0f} MB at the end"
    )
    print(f"before {report.cancelled} cancelled streams: {report.before.line()}")
    print(f"after them: {report.after.line()}\n")
    for name, count in report.failed.items():
        print(f"failed: {name}, {count} times")
    print(f"{'':20}{'value':>9}{'at most':>9}")
    for name, found in verdicts.items():
        print(
            f"{name:20}{found['value']:>9.3f}{found['target']:>9.2f}"
            f"{'' if found['holds'] else '  MISSED'}"
        )


def main() -> int:
    """Run and report; 1 when something is left or the server cannot be started."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="of mixed load")
    parser.add_argument("--cancels", type=int, default=1000, help="streams to break off")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    try:
        report = run(options.minutes, options.cancels)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    verdicts = {name: verdict(value, TARGETS[name]) for name, value in report.values().items()}
    if options.json:
        print(json.dumps({"benchmark": "soak", **asdict(report), "ratios": verdicts}))
    else:
        show(report, verdicts)
    return 0 if all(found["holds"] for found in verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
