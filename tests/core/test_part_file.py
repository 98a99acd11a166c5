"""Files that grow in several places: whatever comes in whatever order, and after any kill."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.download import PartFile

CONTENT = bytes(number * 7 % 251 for number in range(1000))
Write = tuple[int, int, bool]
"""Where a piece begins, how long it is, and whether the file is opened anew before it."""
WRITES = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 400), st.booleans()), max_size=30)


def check(part: PartFile, size: int) -> None:
    """What is not missing is right."""
    found, gaps = part.path.read_bytes()[:size], [part.gap(index) for index in part.missing()]
    lacking = {place for gap in gaps if gap for place in range(gap.start, gap.end)}
    assert part.fetched == size - len(lacking)
    assert all(found[place] == CONTENT[place] for place in range(size) if place not in lacking)


@given(writes=WRITES, size=st.integers(0, 1000), range_bytes=st.integers(1, 400))
def test_every_order_of_writes(
    tmp_path_factory: pytest.TempPathFactory, writes: list[Write], size: int, range_bytes: int
) -> None:
    path = tmp_path_factory.mktemp("part") / "file.part"
    part = PartFile(path, size, range_bytes)
    for offset, length, reopened in writes:
        if reopened:
            part.close()
            part = PartFile(path, size, range_bytes)
        before = part.fetched
        new = part.write(offset, CONTENT[offset : min(offset + length, size)])
        assert part.fetched == before + new
        check(part, size)
    while missing := part.missing():
        gap = part.gap(missing[0])
        assert gap is not None
        part.write(gap.start, CONTENT[gap.start : gap.end])
    part.close()
    part.complete()
    assert path.read_bytes() == CONTENT[:size]
    with PartFile(path, size, range_bytes) as again:  # killed before it got its name
        assert again.fetched == size


@pytest.mark.parametrize("length", [0, 10, 999, 1001, 5000])
def test_a_file_of_another_form_is_begun_anew(tmp_path: Path, length: int) -> None:
    path = tmp_path / "file.part"
    path.write_bytes(b"\xff" * length)
    with PartFile(path, 1000, 300) as part:
        assert part.fetched == 0
        part.write(0, CONTENT)
    part.complete()
    assert path.read_bytes() == CONTENT


def test_counts_that_cannot_be_are_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "file.part"
    path.write_bytes(b"\xff" * (1000 + 4 * 8))
    with PartFile(path, 1000, 300) as part:
        assert part.fetched == 0


def test_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no device that is always full")
    path = tmp_path / "file.part"
    with PartFile(path, 1000, 300) as part:
        os.dup2(os.open("/dev/full", os.O_RDWR), part._file)
        with pytest.raises(OSError, match="No space left"):
            part.write(0, CONTENT)
        assert part.fetched == 0
