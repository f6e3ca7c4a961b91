"""Folders that appear whole or not at all, with the checksums of what is in them."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ft_runtime.files import sha256_file, umask, write_text_atomic
from ft_runtime.findings import Finding, FindingsError, finding
from ft_runtime.printing import reason_of

SUMS = "SHA256SUMS"
"""Name of the checksum file, in the form that ``sha256sum -c`` reads."""

_MARGIN = 1 << 20  # tokenizer, configs and the model card beside the weights
_FULL = (errno.ENOSPC, errno.EDQUOT)
# safetensors is written in Rust and wraps the error number in its own message.
_FULL_TEXTS = ("no space left", "os error 28", "code: 28", "os error 122", "code: 122")


@dataclass(frozen=True)
class SavedFile:
    """One file of a saved folder.

    Attributes
    ----------
    name : str
        Path inside the folder, with ``/``.
    bytes : int
    sha256 : str
        Hexadecimal.
    """

    name: str
    bytes: int
    sha256: str


@contextmanager
def whole_folder(target: Path, needed: int) -> Iterator[Path]:
    """Yield a hidden folder beside `target`; it takes the target's place when the block ends well.

    When the block fails nothing of it stays, and an earlier `target` is as it was.

    Parameters
    ----------
    target : Path
        The folder to make or to replace.
    needed : int
        Bytes that will be written, as far as known; checked against the free space first.

    Raises
    ------
    FindingsError
        ``artifacts.disk_full`` when there is no space before or while writing,
        ``artifacts.cannot_write`` for other errors of the file system.
    """
    with told(target, needed):
        target.parent.mkdir(parents=True, exist_ok=True)
        restore(target)
        check_space(target.parent, needed)
        work = Path(tempfile.mkdtemp(prefix=_hidden(target), dir=target.parent))
        try:
            yield work
            _sync(work)
            os.chmod(work, 0o777 & ~umask())
            _replace(work, target)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise


@contextmanager
def told(target: Path, needed: int) -> Iterator[None]:
    """Turn errors of the file system inside the block into findings."""
    try:
        yield
    except FindingsError:
        raise
    except Exception as error:
        if is_disk_full(error):
            raise FindingsError([_disk_full(target, needed)]) from error
        if isinstance(error, OSError):
            reason = reason_of(error)
            found = finding("artifacts.cannot_write", where=str(target), reason=reason)
            raise FindingsError([found]) from error
        raise


def check_space(folder: Path, needed: int) -> None:
    """Raise ``artifacts.disk_full`` when fewer than `needed` bytes and a margin are free."""
    if shutil.disk_usage(folder).free < needed + _MARGIN:
        raise FindingsError([_disk_full(folder, needed)])


def is_disk_full(error: BaseException | None) -> bool:
    """Return True if the error, or one behind it, says that the disk is full."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if any(part in str(error).lower() for part in _FULL_TEXTS):
            return True
        error = error.__cause__ or error.__context__
    return False


def write_sums(folder: Path) -> list[SavedFile]:
    """Write ``SHA256SUMS`` for every other file of `folder` and return what it lists, by name."""
    files = list_files(folder)
    lines = [f"{item.sha256}  {item.name}\n" for item in files]
    write_text_atomic(folder / SUMS, "".join(lines))
    return files


def list_files(folder: Path) -> list[SavedFile]:
    """Return every file below `folder` except the checksum file, by name."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != SUMS)
    return [
        SavedFile(path.relative_to(folder).as_posix(), path.stat().st_size, sha256_file(path))
        for path in paths
    ]


def restore(target: Path) -> None:
    """Clear what a kill left: half a folder goes, one caught between two renames comes back."""
    for leftover in target.parent.glob(f"{_hidden(target)}*"):
        shutil.rmtree(leftover)
    old = _aside(target)
    if not old.exists():
        return
    if target.exists():
        shutil.rmtree(old)
    else:
        old.rename(target)


def _replace(work: Path, target: Path) -> None:
    """Rename `work` to `target`; a folder that is there steps aside and is deleted last."""
    old = _aside(target)
    if target.exists():
        target.rename(old)
        try:
            work.rename(target)
        except BaseException:
            old.rename(target)
            raise
        shutil.rmtree(old)
    else:
        work.rename(target)


def _hidden(target: Path) -> str:
    return f".{target.name}.new-"


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _sync(folder: Path) -> None:
    """Flush every file to the disk, so that the rename does not overtake the content."""
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as stream:
                os.fsync(stream.fileno())


def _disk_full(target: Path, needed: int) -> Finding:
    folder = next(path for path in (target, *target.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(folder).free
    return finding(
        "artifacts.disk_full",
        where=str(target),
        needed=megabytes(needed + _MARGIN),
        free=megabytes(free),
    )


def megabytes(size: int) -> str:
    """Return a size for people: ``12.3 MB``, ``4.56 GB``."""
    if size >= 10**9:
        return f"{size / 10**9:.2f} GB"
    return f"{size / 10**6:.1f} MB"
