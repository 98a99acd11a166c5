"""Two folders change places, so that at no moment one of their names means nothing."""

import ctypes
import errno
import os
import sys
import tempfile
from pathlib import Path

_HERE = -100
"""AT_FDCWD: paths that are not absolute begin in the working directory."""
_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux's renameat2(2), and RENAME_SWAP of macOS's renamex_np(2)."""
_NOT_OFFERED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


def exchange(first: Path, second: Path) -> None:
    """Let each of two paths on one disk name what the other one named. Raises OSError.

    It happens at once where the file system offers that. On others, such as NFS, `first` is absent
    for the moment between two renamings.
    """
    try:
        _at_once(first, second)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise
        _one_by_one(first, second)


def _at_once(first: Path, second: Path) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    one, other = os.fsencode(first), os.fsencode(second)
    ctypes.set_errno(errno.ENOSYS)  # for a library that has neither
    if sys.platform == "darwin":
        done = getattr(library, "renamex_np", _missing)(one, other, _EXCHANGE)
    else:
        done = getattr(library, "renameat2", _missing)(_HERE, one, _HERE, other, _EXCHANGE)
    if done:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(first), None, str(second))


def _missing(*_: object) -> int:
    return -1


def _one_by_one(first: Path, second: Path) -> None:
    with tempfile.TemporaryDirectory(dir=second.parent, prefix=".") as folder:
        aside = Path(folder) / first.name
        os.replace(first, aside)
        try:
            os.replace(second, first)
        except BaseException:
            os.replace(aside, first)
            raise
        os.replace(aside, second)
