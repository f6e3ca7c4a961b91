"""Paths of the contents API as files on disk: inside the server's folder, or refused.

The rules are those of the contents manager: a path is relative to its root, hidden files are not
there. And one more: a link that leads out of the root is refused.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from ft_runtime.data.places import printable
from jupyter_ft.services.problem import Problem, refuse


@dataclass(frozen=True)
class Root:
    """The folder that the server shows.

    Attributes
    ----------
    folder : Path or None
        None when the server keeps its files elsewhere than on disk.
    allow_hidden : bool
        As the contents manager has it.
    """

    folder: Path | None
    allow_hidden: bool = False

    def file(self, path: str) -> Path:
        """Return the regular file of a path of the contents API.

        Raises
        ------
        Problem
            404 when it is not there or hidden, 403 when it lies outside of the root, 400 for a
            folder.
        """
        found = self.find(path)
        try:
            mode = found.stat().st_mode
        except OSError as error:
            raise _failed(path, error) from None
        if stat.S_ISDIR(mode):
            raise refuse(400, "server.not_a_file", "path", path=_shown(path))
        if not stat.S_ISREG(mode):
            raise refuse(404, "server.no_file", "path", path=_shown(path))
        return found

    def data_file(self, path: str, endings: Sequence[str]) -> Path:
        """Return the data file of a path of the contents API.

        Raises
        ------
        Problem
            As `file`; 400 for another ending.
        """
        found = self.file(path)
        check_ending(PurePath(path).name, endings)
        return found

    def find(self, path: str) -> Path:
        """Return the existing place of a path of the contents API, links resolved.

        Raises
        ------
        Problem
            As `file`.
        """
        if self.folder is None:
            raise refuse(400, "server.no_root", "path")
        try:
            root = self.folder.resolve(strict=True)
            parts = [part for part in path.split("/") if part not in ("", ".")]
            if ".." in parts or os.path.splitdrive(path)[0] or (os.sep != "/" and os.sep in path):
                raise refuse(403, "server.outside_root", "path", path=_shown(path))
            if not self.allow_hidden and any(part.startswith(".") for part in parts):
                raise refuse(404, "server.no_file", "path", path=_shown(path))
            found = root.joinpath(*parts).resolve(strict=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise _failed(path, error) from None
        if not found.is_relative_to(root):
            raise refuse(403, "server.outside_root", "path", path=_shown(path))
        inner = found.relative_to(root).parts
        if not self.allow_hidden and any(part.startswith(".") for part in inner):
            raise refuse(404, "server.no_file", "path", path=_shown(path))
        return found

    def path_of(self, place: Path) -> str | None:
        """Return the contents path of a file, or None when it lies outside of the root."""
        if self.folder is None:
            return None
        root, found = self.folder.resolve(), place.resolve()
        if not found.is_relative_to(root):
            return None
        inner = found.relative_to(root)
        if not self.allow_hidden and any(part.startswith(".") for part in inner.parts):
            return None
        return inner.as_posix()


def check_ending(name: str, endings: Sequence[str]) -> None:
    """Refuse a file whose ending is not one of those that are looked at.

    Raises
    ------
    Problem
        400 ``server.bad_ending``.
    """
    ending = PurePath(name).suffix.lower()
    if ending not in endings:
        expected = ", ".join(endings)
        shown = printable(ending, 20) or "none"
        values = {"name": printable(name, 100), "got": shown, "expected": expected}
        raise refuse(400, "server.bad_ending", "path", **values)


def _failed(path: str, error: Exception) -> Problem:
    if isinstance(error, PermissionError):
        problem = error.strerror or "not allowed"
        return refuse(403, "server.file_failed", "path", path=_shown(path), problem=problem)
    return refuse(404, "server.no_file", "path", path=_shown(path))


def _shown(path: str) -> str:
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in path[:201])
    return text if len(path) <= 200 else text[:200] + "…"
