"""The sandbox that bubblewrap builds: what a process in it sees of this machine."""

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from assistant_eval.code import inside

_NOBODY = 65534
_UNUSED_USERS = 1 << 30
"""User ids from here on belong to nobody."""
_FIRST_TO_GO = 'echo 1000 >/proc/self/oom_score_adj; exec "$0" "$@"'
"""Where the machine runs out of memory, the kernel ends this and nothing else."""
_BOOT = (
    "import sys; sys.path.insert(0, '/judge');"
    " from assistant_eval.code.inside.judge import main; main()"
)


def command(bwrap: str, file_bytes: int, filter_from: int, lifeline: int) -> list[str]:
    """The command that runs a judge, with room for so many bytes of files.

    `filter_from` is an open file with the calls that the kernel refuses, `lifeline` a pipe with
    which the judge ends.
    """
    return [
        *("/bin/sh", "-c", _FIRST_TO_GO),
        *(bwrap, "--die-with-parent", "--new-session", "--as-pid-1"),
        *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"),
        *("--unshare-cgroup-try", "--hostname", "sandbox", "--cap-drop", "ALL", *_user()),
        *("--clearenv", "--setenv", "PYTHONHASHSEED", "0"),
        *_files(),
        *("--perms", "1777", "--size", str(file_bytes), "--tmpfs", "/tmp"),
        *("--remount-ro", "/", "--chdir", "/tmp", "--seccomp", str(filter_from)),
        *("--", _python(), "-S", "-s", "-P", "-B", "-c", _BOOT, str(lifeline)),
        *_becomes(),
    ]


def _is_root() -> bool:
    return os.geteuid() == 0


def _user() -> Iterator[str]:
    if _is_root():
        # The kernel counts no processes of root's, in whatever namespace: the judge becomes
        # somebody else before anything of the program's is there.
        yield from ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
    else:
        yield from ("--unshare-user", "--uid", str(_NOBODY), "--gid", str(_NOBODY))


def _becomes() -> Iterator[str]:
    """Whom the judge is to become: somebody new, whose processes are those of this sandbox."""
    if _is_root():
        yield str(_UNUSED_USERS + secrets.randbelow(_UNUSED_USERS))


def _files() -> Iterator[str]:
    """Python, the libraries it stands on and the judge, none of which can be written."""
    yield from (
        "--ro-bind",
        "/usr",
        "/usr",
        "--ro-bind-try",
        "/etc/ld.so.cache",
        "/etc/ld.so.cache",
    )
    for name in ("/lib", "/lib64", "/lib32"):
        if Path(name).is_symlink():
            yield from ("--symlink", str(Path(name).readlink()), name)
        elif Path(name).is_dir():
            yield from ("--ro-bind", name, name)
    # bubblewrap's own would be folders that only root may enter.
    for folder in ("/dev", os.path.dirname(_python())):
        if not folder.startswith("/usr/"):
            yield from ("--perms", "0755", "--dir", folder)
    for path in (_python(), f"{sys.base_prefix}/lib"):
        if not path.startswith("/usr/"):
            yield from ("--ro-bind", path, path)
    own = "/judge/" + inside.__name__.replace(".", "/")
    yield from ("--ro-bind", str(Path(inside.__file__).parent), own)
    for device in ("/dev/null", "/dev/zero", "/dev/urandom"):
        yield from ("--dev-bind", device, device)


def _python() -> str:
    """This Python, without the packages of an environment."""
    return os.path.realpath(sys.executable)
