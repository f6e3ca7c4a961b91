"""Physical lines of an open file: numbered, hashed as they are read, of limited length."""

from __future__ import annotations

import hashlib
import os
from typing import BinaryIO

from ft_runtime.data.read import limits
from ft_runtime.findings import Finding, FindingsError, finding

_MARK = b"\xef\xbb\xbf"


class LineReader:
    r"""Reads a file once, so that hash, size and rows are of the same bytes.

    A line ends at ``\n`` and nowhere else: U+2028 and its kind stand inside texts.

    Parameters
    ----------
    stream : BinaryIO
        Open at its start.
    status : os.stat_result
        Taken when it was opened.
    name : str
        The place that findings name.
    """

    def __init__(self, stream: BinaryIO, status: os.stat_result, name: str) -> None:
        self._stream = stream
        self._status = status
        self._digest = hashlib.sha256()
        self._name = name
        self.number = 0
        self.bytes = 0
        self.marked = False
        self._ends = {b"\r\n": 0, b"\n": 0}

    def line(self) -> bytes | None:
        """Return the next line with its end, without a byte order mark; None at the end.

        Raises
        ------
        FindingsError
            The line is too long, or the file has carriage returns only.
        """
        raw = self._stream.readline(limits.LINE_BYTES + 1)
        if not raw:
            return None
        self.number += 1
        if len(raw) > limits.LINE_BYTES:
            raise FindingsError(
                [
                    finding(
                        "data.line_too_long", f"{self._name}:{self.number}", limit=limits.LINE_BYTES
                    )
                ]
            )
        self._take(raw)
        if self.number == 1:
            if not raw.endswith(b"\n") and b"\r" in raw.rstrip(b"\r"):
                raise FindingsError([finding("data.cr_only", self._name)])
            raw = self._unmark(raw)
        if raw.endswith(b"\n"):
            self._ends[b"\r\n" if raw.endswith(b"\r\n") else b"\n"] += 1
        return raw

    def everything(self) -> bytes:
        """Return the whole file, without a byte order mark.

        Raises
        ------
        FindingsError
            The file is too large to be read at once.
        """
        raw = self._stream.read(limits.ARRAY_BYTES + 1)
        if len(raw) > limits.ARRAY_BYTES:
            raise FindingsError(
                [finding("data.array_too_large", self._name, limit=limits.ARRAY_BYTES)]
            )
        self._take(raw)
        return self._unmark(raw)

    @property
    def sha256(self) -> str:
        """SHA-256 of what was read so far, in hexadecimal."""
        return self._digest.hexdigest()

    @property
    def mixed_ends(self) -> bool:
        """Whether lines end in both ways."""
        return all(self._ends.values())

    def changed(self) -> list[Finding]:
        """Return an error if the file is no longer the one that was opened, or not all was read."""
        now = os.fstat(self._stream.fileno())
        before = (self._status.st_size, self._status.st_mtime_ns)
        if (now.st_size, now.st_mtime_ns) != before or self.bytes != now.st_size:
            return [finding("data.file_changed", self._name)]
        return []

    def _take(self, raw: bytes) -> None:
        self._digest.update(raw)
        self.bytes += len(raw)

    def _unmark(self, raw: bytes) -> bytes:
        self.marked = raw.startswith(_MARK)
        return raw.removeprefix(_MARK)
