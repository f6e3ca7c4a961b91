"""Opening a data file safely: regular files only, never blocking, and knowing when it changes."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ft_runtime.findings import Finding, FindingsError, finding

_KINDS = (
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "named pipe"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
    (stat.S_ISSOCK, "socket"),
)


@dataclass(frozen=True)
class State:
    """What tells one state of a file from another."""

    device: int
    inode: int
    size: int
    changed: int

    @classmethod
    def of(cls, handle: int) -> State:
        """Return the state of an open file."""
        info = os.fstat(handle)
        return cls(info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)


@contextmanager
def opened(path: str | Path) -> Iterator[int]:
    """Open a regular file for `os.pread`; a pipe or device is refused and never waited for.

    Raises
    ------
    FindingsError
        No such file, no permission, or no regular file.
    """
    name = os.fspath(path)
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(name, flags)
    except (OSError, ValueError) as error:
        raise FindingsError([_refusal(name, error)]) from None
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise FindingsError([finding("doctor.not_a_file", show(name), kind=kind_of(mode))])
        yield handle
    finally:
        os.close(handle)


def kind_of(mode: int) -> str:
    """Return what a file that is not regular is."""
    return next((word for test, word in _KINDS if test(mode)), "special file")


def show(name: str) -> str:
    """Return a file name that can be printed, whatever bytes are in it."""
    return name.encode("utf-8", "backslashreplace").decode()


def _refusal(name: str, error: OSError | ValueError) -> Finding:
    if isinstance(error, FileNotFoundError):
        code = "doctor.dangling_link" if os.path.lexists(name) else "doctor.missing_file"
        return finding(code, show(name))
    if isinstance(error, OSError) and error.errno == errno.ENXIO:  # a socket
        return finding("doctor.not_a_file", show(name), kind="socket")
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return finding("doctor.unreadable", show(name), reason=reason)


def read_at(handle: int, size: int, offset: int) -> bytes:
    """Read up to `size` bytes at `offset`; shorter at the end of the file alone."""
    if hasattr(os, "pread"):
        data = os.pread(handle, size, offset)
        while 0 < len(data) < size:
            more = os.pread(handle, size - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data
    os.lseek(handle, offset, os.SEEK_SET)  # Windows; each worker has a handle of its own
    data = os.read(handle, size)
    while 0 < len(data) < size and (more := os.read(handle, size - len(data))):
        data += more
    return data
