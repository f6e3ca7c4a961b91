"""Opening a data file safely: regular files only, never blocking, and knowing when it changes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ft_runtime.data.places import listing
from ft_runtime.findings import Finding, FindingsError, finding, text
from ft_runtime.printing import printable, printable_path, reason_of

_URL = ("http://", "https://", "file://", "ftp://", "s3://", "gs://", "hf://")
_KINDS = (
    (stat.S_ISDIR, "data.kind.folder"),
    (stat.S_ISFIFO, "data.kind.pipe"),
    (stat.S_ISCHR, "data.kind.device"),
    (stat.S_ISBLK, "data.kind.device"),
    (stat.S_ISSOCK, "data.kind.socket"),
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
def opened(path: str | Path, where: str | None = None) -> Iterator[int]:
    """Open a regular file for `read_at`, following symbolic links, without ever waiting.

    Parameters
    ----------
    path : str or Path
        Taken as it stands: no pattern, no URL.
    where : str, optional
        The config field that names it; findings are about the path itself by default.

    Raises
    ------
    FindingsError
        The file is missing, no regular file, or may not be read.
    """
    handle = _open(os.fspath(path), where)
    try:
        yield handle
    finally:
        os.close(handle)


def _open(path: str, where: str | None) -> int:
    shown = printable_path(path)
    where = shown if where is None else where
    if path.lower().startswith(_URL):
        raise FindingsError([finding("data.url_path", where, path=shown)])
    try:
        # A look before opening: to open some devices has effects.
        _refuse_special(Path(path).stat(), where, shown)
        handle = os.open(
            path,
            os.O_RDONLY
            | getattr(os, "O_NONBLOCK", 0)
            | getattr(os, "O_CLOEXEC", 0)
            | getattr(os, "O_BINARY", 0),
        )
    except FileNotFoundError:
        raise FindingsError([_missing(path, where, shown)]) from None
    except (OSError, ValueError) as error:
        problem = reason_of(error)
        raise FindingsError(
            [finding("data.unreadable", where, path=shown, problem=printable(problem, 200))]
        ) from None
    try:
        _refuse_special(os.fstat(handle), where, shown)
    except FindingsError:
        os.close(handle)
        raise
    return handle


def show(name: str) -> str:
    """Return a file name that can be printed, whatever bytes are in it."""
    return name.encode("utf-8", "backslashreplace").decode()


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


def _refuse_special(status: os.stat_result, where: str, shown: str) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    key = next((key for test, key in _KINDS if test(status.st_mode)), "data.kind.special")
    raise FindingsError([finding("data.not_a_file", where, path=shown, kind=text(key))])


def _missing(path: str, where: str, shown: str) -> Finding:
    target = Path(path)
    if target.is_symlink():
        goal = printable_path(str(target.readlink()))
        return finding("data.dangling_link", where, path=shown, target=goal)
    folder = target.parent if str(target.parent) else Path()
    looked = printable_path(str(folder.absolute()))
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError:
        return finding("data.missing_folder", where, path=shown, folder=looked)
    # Endings would make every .jsonl file look alike.
    stems = get_close_matches(target.stem, {Path(name).stem for name in names}, n=3, cutoff=0.7)
    if close := [name for name in sorted(names) if Path(name).stem in stems]:
        return finding(
            "data.missing_file_near", where, path=shown, near=listing(close, 3), folder=looked
        )
    return finding("data.missing_file", where, path=shown, folder=looked)
