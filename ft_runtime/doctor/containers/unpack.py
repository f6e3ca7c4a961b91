"""Unpacking gzip and zstd, a block at a time."""

from __future__ import annotations

import gzip
import shlex
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from ft_runtime.doctor.containers.zstd import cut_short
from ft_runtime.findings import FindingsError, finding

_BLOCK = 1 << 20
LIMIT = 64 << 30
"""Most bytes that a file may unpack to; a bomb of zeros ends here, or at the end of the disk."""


def unpack(path: Path, kind: str, out: BinaryIO, name: str, most: int | None = None) -> bool:
    """Write what a compressed file holds to `out`, at most `most` bytes of it.

    Returns
    -------
    bool
        Whether that is all.

    Raises
    ------
    FindingsError
        The file is cut short or damaged, unpacks to more than `LIMIT`, or zstd cannot be read here.
    """
    total = 0
    try:
        with _reader(path, kind, name) as stream:
            while block := stream.read(_BLOCK):
                total += len(block)
                if most is not None and total > most:
                    out.write(block[: len(block) - (total - most)])
                    return False
                if total > LIMIT:
                    raise FindingsError([finding("data.unpacks_too_large", name, limit=LIMIT)])
                out.write(block)
    except FindingsError:
        raise
    # gzip tells of damage by OSError, and so does a full disk; the latter has a number.
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        known = isinstance(error, (EOFError, OSError, zlib.error, ValueError))
        if not known and "rror" not in type(error).__name__:
            raise
        raise FindingsError(
            [finding("data.broken_archive", name, kind=kind, problem=str(error))]
        ) from None
    return True


def _reader(path: Path, kind: str, name: str) -> Any:
    if kind == "gzip":
        return gzip.open(path)
    with suppress(ImportError):  # Python 3.14
        from compression import zstd

        return zstd.open(path)
    with suppress(ImportError):
        import zstandard

        if cut_short(path):
            raise EOFError("it ends before the last block does")
        return zstandard.open(path)
    with suppress(ImportError):  # comes with datasets
        import pyarrow

        return pyarrow.CompressedInputStream(pyarrow.OSFile(str(path)), "zstd")
    values = {"python": shlex.quote(sys.executable), "file": shlex.quote(path.name)}
    raise FindingsError([finding("data.no_zstd", name, **values)])
