"""A new file that appears whole, or not at all, and never in the place of another."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ft_runtime.files import umask
from ft_runtime.findings import FindingsError, finding
from ft_runtime.printing import reason_of


class FreshFile:
    """Writes beside the target under another name; `keep` gives it its own at the end.

    Of several files that belong together each is `finish`ed before the first is kept: then a disk
    that fills up leaves none of them.

    Parameters
    ----------
    path : Path
        Must not exist; folders are made.

    Raises
    ------
    FindingsError
        ``doctor_report.would_overwrite``, ``doctor_report.cannot_write``: also for a disk that
        fills up inside the context.
    """

    stream: BinaryIO

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._kept = False
        self._temporary = ""

    def __enter__(self) -> FreshFile:
        if os.path.lexists(self.path):
            raise FindingsError([finding("doctor_report.would_overwrite", str(self.path))])
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, self._temporary = tempfile.mkstemp(
                prefix=f".{self.path.name[:100]}.", dir=self.path.parent
            )
        except (OSError, ValueError) as error:  # the latter: a name that no file can have
            raise self._unwritable(error) from None
        self.stream = os.fdopen(handle, "wb", buffering=1 << 18)
        return self

    def finish(self) -> None:
        """Write what is left, and see it complete on the disk; nothing is written after that."""
        if self.stream.closed:
            return
        try:
            self.stream.flush()
            os.fsync(self.stream.fileno())
            os.chmod(self._temporary, 0o666 & ~umask())
            self.stream.close()
        except OSError as error:
            raise self._unwritable(error) from None

    def keep(self) -> None:
        """Put the file in its place, complete and on the disk."""
        self.finish()
        try:
            try:
                os.link(self._temporary, self.path)  # fails if there is a file by now
                os.unlink(self._temporary)
            except FileExistsError:
                raise
            except OSError:  # a file system without links
                if os.path.lexists(self.path):
                    raise FileExistsError from None
                os.replace(self._temporary, self.path)
        except FileExistsError:
            raise FindingsError(
                [finding("doctor_report.would_overwrite", str(self.path))]
            ) from None
        except OSError as error:
            raise self._unwritable(error) from None
        self._kept = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self.stream.close()
        if not self._kept:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)
        if isinstance(error, OSError):
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError | ValueError) -> FindingsError:
        reason = reason_of(error)
        return FindingsError([finding("doctor_report.cannot_write", str(self.path), reason=reason)])
