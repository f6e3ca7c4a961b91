"""Preparations kept on disk, so that the next run with the same input need not prepare again.

One folder a preparation, named by its key (`key.py`): a file of Arrow for each split,
``ledger.csv``, and ``meta.json``, which knows the digest of each. A folder appears whole or not at
all, and one whose files are not what was written is thrown away. What was not used for longest goes
when there are too many bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ft_runtime.files import cache_base, sha256_file
from ft_runtime.findings import finding, notify

BOUND = "FT_CACHE_GB"
"""Environment variable: how much is kept, in GB; 10 by default."""

META = "meta.json"
_DEFAULT_BOUND = 10.0
_SPARED = 24 * 3600
"""Seconds after its last use in which a folder is not removed: a run may be reading it."""


def cache_folder() -> Path | None:
    """Return the folder of the cache, which need not be there; None when it is switched off."""
    base = cache_base()
    return None if base is None else base / "prepared"


@dataclass(frozen=True)
class Kept:
    """One preparation in the cache.

    Attributes
    ----------
    folder : Path
    values : dict
        What was put beside the files.
    """

    folder: Path
    values: dict[str, Any]


class Cache:
    """The cache in a folder.

    Parameters
    ----------
    root : Path
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, key: str) -> Kept | None:
        """Return what is kept under a key, its files checked; None when there is nothing.

        What is damaged is thrown away, with a finding.
        """
        folder = self._root / key
        if not folder.is_dir():
            return None
        try:
            meta = json.loads((folder / META).read_text(encoding="utf-8"))
            for name, expected in meta["files"].items():
                if sha256_file(folder / name) != expected:
                    raise ValueError(name)
            kept = Kept(folder, meta["values"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            notify(finding("tokens.cache_damaged", str(folder), problem=str(error)))
            return None
        with contextlib.suppress(OSError):
            os.utime(folder)
        return kept

    @contextmanager
    def room(self) -> Iterator[Path]:
        """Give a folder of its own to write files into; gone afterwards, unless it was kept.

        Raises
        ------
        OSError
            When the cache cannot be written.
        """
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = Path(tempfile.mkdtemp(prefix=".", dir=self._root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, room: Path, key: str, values: Mapping[str, Any]) -> Kept:
        """Keep the files of a room under a key; another process may have been faster.

        Raises
        ------
        OSError
            When the cache cannot be written.
        """
        files = {path.name: sha256_file(path) for path in sorted(room.iterdir())}
        meta = json.dumps({"files": files, "values": values}, ensure_ascii=False)
        (room / META).write_text(meta, encoding="utf-8")
        folder = self._root / key
        try:
            room.rename(folder)
        except OSError:
            found = self.find(key)
            if found is None:
                raise
            return found
        self._make_room(folder)
        return Kept(folder, dict(values))

    def _make_room(self, new: Path) -> None:
        """Remove what was not used for longest while there is more than is allowed."""
        with contextlib.suppress(OSError):
            now = time.time()
            found = sorted((path.stat().st_mtime, path) for path in self._root.iterdir())
            sizes = {path: _bytes(path) for _, path in found}
            total = sum(sizes.values())
            for used, path in found:
                if path == new or now - used < _SPARED:
                    continue
                # What a killed process left half written goes at once.
                if total > bound() or path.name.startswith("."):
                    shutil.rmtree(path, ignore_errors=True)
                    total -= sizes[path]


def bound() -> float:
    """Return how many bytes are kept."""
    try:
        return float(os.environ.get(BOUND, "") or _DEFAULT_BOUND) * 1e9
    except ValueError:
        return _DEFAULT_BOUND * 1e9


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0
