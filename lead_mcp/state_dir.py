"""The state folder and the files in it: ours alone, and no way to somebody else's through a link.

What is wrong is an OSError whose words say what to mend; what may be right, but rarely is, earns a warning.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from pathlib import Path
from secrets import token_hex
from typing import Final

log = logging.getLogger("lead_mcp.state")

NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
"""Windows has no such flag, and no such links without a privilege."""
CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)
NONBLOCK: Final = getattr(os, "O_NONBLOCK", 0)
"""Opening a pipe that somebody put there would wait for a writer."""
BINARY: Final = getattr(os, "O_BINARY", 0)
"""Windows would write another end of line than it is given."""
POSIX: Final = os.name == "posix"
OWNERS: Final = 0o600
"""The mode of a file that its owner alone can read."""


def private_folder(path: Path) -> Path:
    """The folder, made for its owner alone where it is missing.

    Raises OSError where it is somebody else's, a link that somebody else has put there, or open for everybody to write.
    """
    for one in (*reversed(path.parents), path):  # each by itself: mkdir's own way would open the parents to others
        if not one.is_dir():
            one.mkdir(exist_ok=True, mode=0o700)
    if POSIX:
        _check_owner(path, path.lstat())  # of a link: who made it
        found = path.stat()
        _check_owner(path, found)
        if found.st_mode & stat.S_IWOTH:
            raise _refused(path, "everybody can write to it: chmod o-w it, or choose another folder")
        if found.st_mode & stat.S_IWGRP:
            log.warning("%s: its group can write to it. chmod g-w it unless that is meant.", path)
    return path


def private_file(path: Path, *, new: bool = False) -> int:
    """The file, open for reading and writing, readable by its owner alone; ``new``: only if there is none yet.

    Raises OSError where it is a link, somebody else's, or known by a second name; FileExistsError where it is not new.
    """
    flags = os.O_RDWR | os.O_CREAT | BINARY | NOFOLLOW | CLOEXEC | NONBLOCK | (os.O_EXCL if new else 0)
    try:
        descriptor = os.open(path, flags, OWNERS)
    except OSError as error:
        raise _refused(path, "it is a link") if error.errno == errno.ELOOP else error from None
    try:
        if POSIX:
            _check_file(path, os.fstat(descriptor))
            os.fchmod(descriptor, OWNERS)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def private_place(path: Path) -> None:
    """Make the file where it is missing; one that is there is looked at and made its owner's alone, but never opened.

    For a file that a database has open: whoever closes it in the same process takes away the locks that the database holds
    in it (POSIX locks are the process's), and another process then believes that nobody uses it. Raises as ``private_file``.
    """
    try:
        os.close(private_file(path, new=True))
    except FileExistsError:
        if POSIX:
            _check_file(path, found := path.lstat())
            if stat.S_IMODE(found.st_mode) != OWNERS:
                path.chmod(OWNERS)


def read_private(path: Path) -> bytes:
    """The file's bytes. Raises OSError where it is missing, a link, or somebody else's."""
    with os.fdopen(open_private(path), "rb") as file:
        return file.read()


def write_private(path: Path, content: bytes, *, alone: bool = False, durable: bool = True) -> None:
    """Give the file that content: it is its owner's alone, and whoever reads it finds the old or the new one whole.

    ``alone``: no other process writes it meanwhile, so that a draft which is there was left by one that was killed.
    ``durable``: it is on disk when this returns. Raises OSError; the file is then as it was.
    """
    draft = path.with_name(f"{path.name}.new" if alone else f"{path.name}.{token_hex(6)}")
    if alone:
        draft.unlink(missing_ok=True)
    descriptor = private_file(draft, new=True)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def open_private(path: Path) -> int:
    """The file, open for reading. Raises OSError where it is missing, a link, or somebody else's."""
    try:
        descriptor = os.open(path, os.O_RDONLY | BINARY | NOFOLLOW | CLOEXEC | NONBLOCK)
    except OSError as error:
        raise _refused(path, "it is a link") if error.errno == errno.ELOOP else error from None
    try:
        if POSIX:
            _check_file(path, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check_file(path: Path, found: os.stat_result) -> None:
    _check_owner(path, found)
    if stat.S_ISLNK(found.st_mode):
        raise _refused(path, "it is a link")
    if not stat.S_ISREG(found.st_mode):
        raise _refused(path, "it is no file")
    if found.st_nlink > 1:
        raise _refused(path, "it is known by a second name (a hard link)")


def _check_owner(path: Path, found: os.stat_result) -> None:
    """What is root's is as good as ours: root can do all of this anyway."""
    user = os.geteuid() if POSIX else 0
    if found.st_uid not in (user, 0):
        raise _refused(path, f"it belongs to user {found.st_uid}, not to user {user}, who runs this")


def _refused(path: Path, why: str) -> OSError:
    return PermissionError(errno.EPERM, f"{path}: {why}")
