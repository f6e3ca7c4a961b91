"""One process at a time writes into a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ft_runtime.findings import FindingsError, finding

LOCK = ".lock"


class FolderLock:
    """The lock of one run folder, released by the operating system when its process dies.

    Parameters
    ----------
    folder : Path
        An existing run folder.
    """

    def __init__(self, folder: Path) -> None:
        from filelock import FileLock

        self._lock: Any = FileLock(folder / LOCK, thread_local=False)
        self.folder = folder

    def acquire(self) -> None:
        """Take the lock or tell who is in the way.

        Raises
        ------
        FindingsError
            ``run.locked`` when another process holds it.
        """
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            problem = finding("run.locked", where=str(self.folder))
            raise FindingsError([problem]) from None
        except NotImplementedError:
            # Some network file systems cannot lock: then two runs there are the user's care.
            return

    def release(self) -> None:
        """Let the next process in; harmless when already released."""
        self._lock.release()
