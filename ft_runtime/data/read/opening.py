"""Opening a data file: a regular file that can be read, or a finding that says what it is."""

from __future__ import annotations

import os
import stat
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO

from ft_runtime.data.places import listing, printable
from ft_runtime.findings import Finding, FindingsError, finding, text

_URL = ("http://", "https://", "file://", "ftp://", "s3://", "gs://", "hf://")
_KINDS = (
    (stat.S_ISDIR, "data.kind.folder"),
    (stat.S_ISFIFO, "data.kind.pipe"),
    (stat.S_ISCHR, "data.kind.device"),
    (stat.S_ISBLK, "data.kind.device"),
    (stat.S_ISSOCK, "data.kind.socket"),
)


def open_file(path: str, where: str = "dataset.path") -> tuple[BinaryIO, os.stat_result]:
    """Open a regular file for reading, following symbolic links, without ever waiting.

    Parameters
    ----------
    path : str
        Taken as it stands: no pattern, no URL.
    where : str
        The config field that names it.

    Returns
    -------
    stream : BinaryIO
    status : os.stat_result
        Of the open file.

    Raises
    ------
    FindingsError
        The file is missing, no regular file, or may not be read.
    """
    shown = printable(path, 200)
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
        problem = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FindingsError(
            [finding("data.unreadable", where, path=shown, problem=printable(problem, 200))]
        ) from None
    stream = os.fdopen(handle, "rb", buffering=1 << 18)
    status = os.fstat(handle)
    try:
        _refuse_special(status, where, shown)
    except FindingsError:
        stream.close()
        raise
    return stream, status


def _refuse_special(status: os.stat_result, where: str, shown: str) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    key = next((key for test, key in _KINDS if test(status.st_mode)), "data.kind.special")
    raise FindingsError([finding("data.not_a_file", where, path=shown, kind=text(key))])


def _missing(path: str, where: str, shown: str) -> Finding:
    target = Path(path)
    if target.is_symlink():
        goal = printable(str(target.readlink()), 200)
        return finding("data.dangling_link", where, path=shown, target=goal)
    folder = target.parent if str(target.parent) else Path()
    looked = printable(str(folder.absolute()), 200)
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
