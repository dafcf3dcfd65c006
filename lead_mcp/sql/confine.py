"""Taking away from this process, for good, what running a statement does not need. The child does it to itself at its start.

Linux: no network (a network namespace of its own where that is allowed, and no sockets in any case), no new processes, no
file opened or changed (a filter over system calls, seccomp), address space, CPU time, open files and file sizes bounded, an
end with the parent. Elsewhere what the platform has: macOS bounds CPU time, files and file sizes; Windows none of these.
DuckDB's own switches (``child.py``) hold everywhere.
Source: seccomp(2), syscall tables of Linux 6 (x86_64 ``syscall_64.tbl``; aarch64 ``asm-generic/unistd.h``).
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

NEW_USER: Final = 0x10000000
NEW_NET: Final = 0x40000000
DEATH_SIGNAL: Final = 1
NO_NEW_PRIVILEGES: Final = 38
SECCOMP: Final = 22
FILTER_MODE: Final = 2
KILL: Final = 9
ALLOW: Final = 0x7FFF0000
REFUSE: Final = 0x00050001
"""The call fails with EPERM."""
ABSENT: Final = 0x00050026
"""The call fails with ENOSYS, so that the C library takes its older one."""
END: Final = 0x80000000
"""The process is killed."""
THREAD: Final = 0x00010000
"""``CLONE_THREAD``: a thread of this process, which the engine may start; anything else is a new process."""
ARCHITECTURES: Final[Mapping[str, tuple[int, Mapping[str, int]]]] = {
    "x86_64": (
        0xC000003E,
        {
            "clone": 56, "clone3": 435,
            "open": 2, "openat": 257, "openat2": 437, "creat": 85, "socket": 41, "socketpair": 53, "connect": 42,
            "bind": 49, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "kill": 62, "ptrace": 101,
            "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_open": 434, "unlink": 87, "unlinkat": 263,
            "rename": 82, "renameat": 264, "renameat2": 316, "mkdir": 83, "mkdirat": 258, "rmdir": 84, "link": 86,
            "linkat": 265, "symlink": 88, "symlinkat": 266, "truncate": 76, "chmod": 90, "fchmodat": 268, "chown": 92,
            "mknod": 133, "mknodat": 259, "mount": 165, "memfd_create": 319, "io_uring_setup": 425, "bpf": 321,
            "keyctl": 250, "add_key": 248, "prlimit64": 302, "setrlimit": 160, "unshare": 272, "setns": 308,
            "open_by_handle_at": 304, "userfaultfd": 323,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "clone": 220, "clone3": 435,
            "openat": 56, "openat2": 437, "socket": 198, "socketpair": 199, "connect": 203, "bind": 200, "execve": 221,
            "execveat": 281, "kill": 129, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271,
            "pidfd_open": 434, "unlinkat": 35, "renameat": 38, "renameat2": 276, "mkdirat": 34, "linkat": 37,
            "symlinkat": 36, "truncate": 45, "fchmodat": 53, "fchownat": 54, "mknodat": 33, "mount": 40,
            "memfd_create": 279, "io_uring_setup": 425, "bpf": 280, "keyctl": 219, "add_key": 217, "prlimit64": 261,
            "setrlimit": 164, "unshare": 97, "setns": 268, "open_by_handle_at": 265, "userfaultfd": 282,
        },
    ),
}  # fmt: skip
CPU_SECONDS: Final = 900
"""What a child may compute in its life; the server replaces it long before."""
OPEN_FILES: Final = 256


class _Step(ctypes.Structure):
    """One instruction of the filter (``struct sock_filter``)."""

    _fields_ = (("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step)))


LOAD: Final = 0x20
IF_EQUAL: Final = 0x15
IF_AT_LEAST: Final = 0x35
IF_BITS: Final = 0x45
RETURN: Final = 0x06
NUMBER_AT: Final = 0
ARCHITECTURE_AT: Final = 4
FIRST_ARGUMENT_AT: Final = 16


def early(*, network: bool = False) -> None:
    """Before anything is imported and any thread runs: no network but where it is needed, no core dumps, an end with the
    parent."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(DEATH_SIGNAL, KILL, 0, 0, 0)
        # only root may; others through a user namespace, where that is allowed
        if not network and libc.unshare(NEW_NET) != 0:
            libc.unshare(NEW_USER | NEW_NET)


def finally_(memory: int) -> dict[str, bool]:
    """Once everything is loaded: limits and the filter, ``memory`` bytes beyond what is mapped now. What is in force."""
    found = {"limits": False, "memory": False, "filter": False}
    if sys.platform == "win32":
        return found
    import resource

    for what, most in (
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        resource.setrlimit(what, (most, most))
    found["limits"] = True
    if sys.platform == "linux":
        mapped = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + memory, mapped + memory))
        found["memory"] = True
        found["filter"] = _filtered()
    return found


def _filtered() -> bool:
    """Whether the filter over system calls is in force from here on, in every thread to come."""
    known = ARCHITECTURES.get(platform.machine())
    if known is None:
        return False
    steps = _steps(*known)
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(SECCOMP, FILTER_MODE, ctypes.byref(program), 0, 0) == 0)


def _steps(architecture: int, numbers: Mapping[str, int]) -> list[Any]:
    """Read in order; a jump skips so many instructions."""
    refused = [number for name, number in numbers.items() if name not in ("clone", "clone3")]
    steps = [
        _Step(LOAD, 0, 0, ARCHITECTURE_AT),
        _Step(IF_EQUAL, 1, 0, architecture),
        _Step(RETURN, 0, 0, END),
        _Step(LOAD, 0, 0, NUMBER_AT),
        _Step(IF_AT_LEAST, 0, 1, 0x40000000),  # the x32 calls of x86_64, under other numbers
        _Step(RETURN, 0, 0, END),
        _Step(IF_EQUAL, 0, 1, numbers["clone3"]),
        _Step(RETURN, 0, 0, ABSENT),
    ]
    for number in refused:
        steps += [_Step(IF_EQUAL, 0, 1, number), _Step(RETURN, 0, 0, REFUSE)]
    return [
        *steps,
        _Step(IF_EQUAL, 0, 3, numbers["clone"]),
        _Step(LOAD, 0, 0, FIRST_ARGUMENT_AT),
        _Step(IF_BITS, 1, 0, THREAD),
        _Step(RETURN, 0, 0, REFUSE),
        _Step(RETURN, 0, 0, ALLOW),
    ]
