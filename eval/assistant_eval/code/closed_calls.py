"""System calls that no program in the sandbox may make, as a filter for the kernel.

What the namespaces close anyway is closed a second time, and what they leave open is closed here:
tracing (the judge's memory), memory that no limit counts (System V segments), keys, which belong to
no namespace, and further namespaces, in which a process has rights that it has nowhere else.
"""

import ctypes
import errno
import os
from functools import cache

from assistant.errors import AssistantError

_LIBRARY = "libseccomp.so.2"
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_MASKED_EQUAL = 7
_UNKNOWN = -1
_NAMESPACES = 0x7E020000
"""The flags of `clone` that make namespaces, which stand in its first argument."""
_CLOSED = (
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp"),
    *("perf_event_open", "bpf", "userfaultfd", "personality"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("unshare", "setns", "chroot", "pivot_root", "mount", "umount", "umount2", "mount_setattr"),
    *("open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick"),
    *("open_by_handle_at", "name_to_handle_at", "fanotify_init"),
    *("shmget", "shmat", "shmctl", "msgget", "msgsnd", "semget", "semop", "mq_open"),
    *("memfd_create", "memfd_secret"),
    *("keyctl", "add_key", "request_key"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot"),
    *("swapon", "swapoff", "acct", "quotactl", "syslog", "iopl", "ioperm"),
    *("settimeofday", "clock_settime", "adjtimex", "sethostname", "setdomainname"),
)


class _Compare(ctypes.Structure):
    """libseccomp's `scmp_arg_cmp`."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


@cache
def closed_calls() -> bytes:
    """The filter as bwrap's `--seccomp` takes it. Raises AssistantError without libseccomp."""
    try:
        library = ctypes.CDLL(_LIBRARY, use_errno=True)
    except OSError as error:
        raise AssistantError(
            "the sandbox needs libseccomp, which is not here: install it (Debian, Ubuntu:"
            " apt install libseccomp2; Fedora: dnf install libseccomp)"
        ) from error
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ALLOW)))
    try:
        for name in _CLOSED:
            _close(library, context, name, errno.EPERM)
        # Its flags lie in memory, where no filter looks; without it, `clone` is called.
        _close(library, context, "clone3", errno.ENOSYS)
        for bit in (1 << place for place in range(32) if _NAMESPACES >> place & 1):
            _close(library, context, "clone", errno.EPERM, _Compare(0, _MASKED_EQUAL, bit, bit))
        return _exported(library, context)
    finally:
        library.seccomp_release(context)


def _close(
    library: ctypes.CDLL,
    context: ctypes.c_void_p,
    name: str,
    number: int,
    compare: _Compare | None = None,
) -> None:
    call = library.seccomp_syscall_resolve_name(name.encode())
    if call == _UNKNOWN:  # of a kernel newer than the library
        return
    compares = (_Compare * 1)(compare) if compare else None
    result = library.seccomp_rule_add_array(
        context, ctypes.c_uint32(_ERRNO | number), call, 1 if compare else 0, compares
    )
    if result < 0:
        raise AssistantError(f"libseccomp cannot close {name}: {os.strerror(-result)}")


def _exported(library: ctypes.CDLL, context: ctypes.c_void_p) -> bytes:
    with open(os.memfd_create("filter"), "rb") as file:
        if (result := library.seccomp_export_bpf(context, file.fileno())) < 0:
            raise AssistantError(f"libseccomp cannot write its filter: {os.strerror(-result)}")
        file.seek(0)
        return file.read()
