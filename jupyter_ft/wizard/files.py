"""What the wizard reads and writes beside the notebook."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

from ft_runtime.config import Config
from ft_runtime.data.places import printable
from ft_runtime.files import from_home, write_bytes_atomic
from ft_runtime.findings import Finding, FindingsError, finding
from ft_runtime.printing import reason_of
from jupyter_ft.builder.bundle import Bundle, build_bundle
from jupyter_ft.paths import seen_from
from jupyter_ft.services.places import check_ending
from jupyter_ft.services.preview import Limits, preview_file


def look_at(path: Any, format: str | None, columns: Any) -> dict[str, Any]:
    """Return the preview of a data file, as the service gives it.

    Raises
    ------
    FindingsError, Problem
        When there is nothing to look at.
    """
    limits = Limits()
    place = Path(from_home(train_path(path)))
    check_ending(place.name, limits.extensions)
    try:
        return preview_file(place, place.name, format, columns or None, limits)
    except (OSError, ValueError) as error:
        problem = reason_of(error)
        values = {"problem": problem, "folder": Path.cwd()}
        raise FindingsError([finding("wizard.not_read", "dataset.path", **values)]) from None


def train_path(path: Any) -> str:
    """Return the path of the training file.

    Raises
    ------
    FindingsError
        ``wizard.no_path``.
    """
    first = path.get("train") if isinstance(path, dict) else path
    if not isinstance(first, str) or not first:
        raise FindingsError([finding("wizard.no_path", "dataset.path")])
    return first


def save_upload(name: str, data: bytes, folder: Path) -> Path:
    """Write an uploaded file into a folder; a different file of that name is never overwritten.

    Raises
    ------
    FindingsError
        ``wizard.bad_name``, ``wizard.file_exists``, ``wizard.not_saved``, or as `check_ending`.
    """
    plain = PurePath(name.replace("\\", "/")).name
    if plain in ("", ".", "..") or plain.startswith(".") or not plain.isprintable():
        raise FindingsError([finding("wizard.bad_name", got=printable(name, 100) or "''")])
    check_ending(plain, Limits().extensions)
    path = folder / plain
    try:
        if path.exists():
            if path.is_file() and path.read_bytes() == data:
                return path
            raise FindingsError([finding("wizard.file_exists", str(path))])
        return write_bytes_atomic(path, data)
    except (OSError, ValueError) as error:  # the latter: a name that no file can have
        problem = reason_of(error)
        raise FindingsError([finding("wizard.not_saved", str(path), problem=problem)]) from None


def write_notebook(
    config: Config, folder: Path, *, force: bool = False
) -> tuple[Bundle, list[Path], list[Finding]]:
    """Write the notebook and what belongs to it, its paths as seen from its folder.

    Raises
    ------
    FindingsError
        As `Bundle.write`.
    """
    moved, changes = seen_from(config, folder)
    bundle = build_bundle(moved)
    return bundle, bundle.write(folder, force=force), changes
