"""The bytes of a data file, unpacked where they are packed."""

import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path

from assistant_finetune.data.journal import DataError

GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
_FOREIGN = {
    b"\xff\xfe": "it is written in UTF-16: save it as UTF-8",
    b"\xfe\xff": "it is written in UTF-16: save it as UTF-8",
    b"\x28\xb5\x2f\xfd": "it is packed with zstd: unpack it with `unzstd`",
    b"PK\x03\x04": "it is a zip archive: unpack it with `unzip`",
    b"BZh": "it is packed with bzip2: unpack it with `bunzip2`",
    b"\xfd7zXZ": "it is packed with xz: unpack it with `unxz`",
    b"SQLite format 3": "it is an SQLite database: export its rows as JSON",
    b"%PDF": "it is a PDF: save its text",
    b"ARROW1": "it is an Arrow file: save it as Parquet",
    b"\x80\x04": "it is a Python pickle, which could run any code: save it as JSON",
}


class FileError(Exception):
    """Why a whole file, or the rest of one, cannot be read."""


def beginning(path: Path, size: int = 4096) -> bytes:
    """The first unpacked bytes. Raises DataError when the file cannot be opened, and FileError."""
    with opened(path, lambda _: None) as stream:
        head = stream.read(size)
    for mark, reason in _FOREIGN.items():
        if head.startswith(mark):
            raise FileError(reason)
    return head


def opened(path: Path, on_damage: Callable[[str], object]) -> io.BufferedReader:
    """The unpacked bytes of a file, as far as they can be read.

    `on_damage` is told why there is no more where a packed file breaks off; what came before is
    read. Raises DataError when the file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP
        raw = gzip.GzipFile(path, "rb") if packed else path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    return io.BufferedReader(_Readable(raw, on_damage), 2**16)


class _Readable(io.RawIOBase):
    """A stream that ends where it cannot be read on."""

    def __init__(
        self, inner: gzip.GzipFile | io.BufferedReader, on_damage: Callable[[str], object]
    ) -> None:
        self._inner = inner
        self._on_damage = on_damage
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._ended:
            return 0
        try:
            data = self._inner.read1(len(buffer))
        except EOFError:
            return self._damaged("the packed file breaks off: download or copy it again")
        except (gzip.BadGzipFile, zlib.error):
            return self._damaged("the packed file is damaged from here on: download it again")
        except OSError as error:
            return self._damaged(f"it cannot be read on: {error.strerror or error}")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._inner.close()
        super().close()

    def _damaged(self, reason: str) -> int:
        self._ended = True
        self._on_damage(reason)
        return 0
