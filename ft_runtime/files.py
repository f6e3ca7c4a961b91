"""Writing files so that a kill at any moment leaves either the old file or the new one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import threading
from pathlib import Path

_BLOCK = 1 << 20
_changing = threading.Lock()

CACHE = "FT_CACHE"
"""Environment variable: another folder for what is kept between runs, or ``off``."""


def from_home(path: str) -> str:
    """Return `path` with a ``~`` at its beginning replaced by the home that it means.

    Nothing else is changed, and nothing at all where nobody of that name has a home.
    (`Path.expanduser` raises a `RuntimeError` there, and takes a URL apart.)
    """
    try:
        return os.path.expanduser(path)  # noqa: PTH111
    except ValueError:  # a name that no user can have
        return path


def cache_base() -> Path | None:
    """Return the folder of all that is kept between runs.

    None when that is switched off, or when this user has no home and nothing else is named.
    """
    asked = os.environ.get(CACHE, "")
    if asked.strip().lower() in ("off", "0", "no", "false"):
        return None
    if asked:
        return Path(from_home(asked))
    home = Path(from_home("~"))
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    # A user without a home: a folder named "~" beside the data would surprise.
    return None if base.parts[:1] == ("~",) else base / "ft_runtime"


def write_bytes_atomic(path: str | Path, data: bytes) -> Path:
    """Write `data` to `path` whole: temporary name in the same folder, fsync, rename.

    Parameters
    ----------
    path : str or Path
        Target; its folder is created when missing.
    data : bytes
        The complete content.

    Returns
    -------
    Path
        The target.

    Raises
    ------
    OSError
        When the disk is full or the folder cannot be written; the old file, if any, is intact.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~umask())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    return target


def write_text_atomic(path: str | Path, text: str) -> Path:
    """Write `text` as UTF-8 with its line ends as they are; see `write_bytes_atomic`."""
    return write_bytes_atomic(path, text.encode("utf-8"))


def append_line(path: str | Path, line: str) -> None:
    """Append one line in a single write, so that readers never see half of it joined to the next.

    A last line that a kill cut short is ended first; it stays as it is, and can be told apart.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "ab+") as stream:
        if stream.seek(0, os.SEEK_END) and not _ends_with_newline(stream):
            line = "\n" + line
        stream.write(line.encode("utf-8") + b"\n")


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | Path) -> str:
    """SHA-256 of a file in hexadecimal, read in 1 MiB blocks."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _ends_with_newline(stream: object) -> bool:
    stream.seek(-1, os.SEEK_END)  # type: ignore[attr-defined]
    return bool(stream.read(1) == b"\n")  # type: ignore[attr-defined]


def umask() -> int:
    """Return the process's umask; mkstemp makes files 0600, too close for a shared folder.

    Linux tells it. Elsewhere it is told only when it is changed: one thread at a time does that, or
    it would stay changed, and meanwhile what others make is private rather than open to all.
    """
    with contextlib.suppress(OSError), open("/proc/self/status", "rb") as stream:
        for line in stream:
            if line.startswith(b"Umask:"):
                return int(line.split()[1], 8)
    with _changing:
        current = os.umask(0o077)
        os.umask(current)
    return current
