"""What a server says in its log of those whom it refuses."""

import re

import pytest

SECRET = "the words of the user"
LINE = re.compile(r"refused (\d+) (\w+) ([A-Z]+|other) (/\S*|other) from 127\.0\.0\.1:\d+")


def refused(log: pytest.LogCaptureFixture, status: int, why: str, what: str) -> bool:
    """Whether exactly this was refused, in one line."""
    lines = [record.getMessage() for record in log.records if record.name.startswith("assistant")]
    found = [LINE.fullmatch(line) for line in lines]
    log.clear()
    return [match and match.groups() for match in found] == [(str(status), why, *what.split(" "))]
