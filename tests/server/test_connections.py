import tracemalloc
from contextlib import closing
from http.client import HTTPConnection

import httpx

from tests.server.live import Live

MOST = 100_000
"""Bytes. asyncio's own buffer for a read has 262,144."""


def test_a_request_takes_no_more_memory_than_it_needs(server: Live) -> None:
    """Large pieces that come and go with each request leave holes in the heap, and it grows."""
    url = httpx.URL(server.url)

    def ask() -> int:
        connection.request("GET", "/health")
        with connection.getresponse() as response:
            response.read()
        return response.status

    with closing(HTTPConnection(url.host, url.port)) as connection:
        ask()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            assert ask() == 200
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most - before < MOST
