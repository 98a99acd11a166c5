"""A short soak of a real server: what its clients broke off leaves nothing behind."""

import asyncio
from pathlib import Path

import pytest

from bench.peers.served import save_starter_adapter, serve
from bench.soak import POOL_THREADS, soak

pytestmark = pytest.mark.e2e

SECONDS = 3.0
CANCELS = 1000


def test_a_thousand_cancelled_streams_leave_nothing(tmp_path: Path) -> None:
    save_starter_adapter(tmp_path, "style")
    with serve(tmp_path) as served:
        report = asyncio.run(soak(served, seconds=SECONDS, cancels=CANCELS))
    assert report.failed == {}
    assert set(report.done) == {"chat", "adapter", "completion", "cancelled"}
    assert report.done["cancelled"] >= CANCELS
    assert report.after.requests == 0
    assert report.after.connections == report.before.connections
    assert report.after.files <= report.before.files
    assert report.after.threads <= report.before.threads + POOL_THREADS
