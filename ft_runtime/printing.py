"""Printing: foreign text inside a sentence, and what happens when nobody can read any more."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO


def printable(text: str, limit: int = 60) -> str:
    """Return `text` on one line, control characters and half characters escaped, cut to `limit`."""
    cut = text[: limit + 1]
    clean = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in cut
    )
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def printable_path(path: str, limit: int = 200) -> str:
    """Return a path as `printable` does; of a longer one its end, which tells files apart."""
    shown = printable(path, max(limit, 10 * len(path)))
    return shown if len(shown) <= limit else "…" + shown[1 - limit :]


def reason_of(error: Exception) -> str:
    """Return why something failed: in the system's words where it has some, without the path."""
    return getattr(error, "strerror", None) or str(error)


def show_any_character() -> None:
    r"""Let a character that standard output has no bytes for be written as ``\u2192``.

    Python does so on standard error. On standard output it raises, and a run would end for an arrow
    wherever the encoding is not UTF-8: in a log file on Windows, or with ``LC_ALL=C``.
    """
    change = getattr(sys.stdout, "reconfigure", None)
    if change is not None:
        with contextlib.suppress(OSError, ValueError):
            change(errors="backslashreplace")


def say(shown: str, stream: TextIO | None = None, end: str = "\n") -> OSError | None:
    """Print, and go on when that is not possible any more; then the stream leads nowhere.

    Parameters
    ----------
    shown : str
    stream : file, optional
        Standard output by default.
    end : str
        What follows.

    Returns
    -------
    OSError or None
        Why it could not be printed: a `BrokenPipeError` when the reader is gone, as that of
        ``| head``; another one for a full disk behind the stream.
    """
    stream = sys.stdout if stream is None else stream
    try:
        print(shown, end=end, file=stream, flush=True)
    except OSError as error:
        if not isinstance(error, BlockingIOError):  # that one means a full pipe, for a moment
            _lead_nowhere(stream)
        return error
    return None


def _lead_nowhere(stream: TextIO) -> None:
    """Drop what is written from now on: each line, and the interpreter at its end, would fail."""
    with contextlib.suppress(OSError, ValueError):
        number = stream.fileno()
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), number)


def tell(shown: str, stream: TextIO | None = None) -> None:
    """Print a result. A reader that is gone is no fault; a full disk behind the stream is one.

    Raises
    ------
    FindingsError
        ``doctor_report.cannot_print``.
    """
    error = say(shown, stream)
    if error is None or isinstance(error, BrokenPipeError):
        return
    from ft_runtime.findings import FindingsError, finding

    where = getattr(sys.stdout if stream is None else stream, "name", "")
    reason = reason_of(error)
    raise FindingsError([finding("doctor_report.cannot_print", where, reason=reason)])
