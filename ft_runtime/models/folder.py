"""A model in a folder: is it there, is it whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ft_runtime.files import from_home
from ft_runtime.findings import Finding, finding, raise_for_errors
from ft_runtime.models.files import ADAPTER, CONFIG, check_names, weight_files

_POINTER = b"version https://git-lfs"


def check_folder(path: str) -> str:
    """Return the folder's path after checking what is in it, without loading the weights.

    Raises
    ------
    FindingsError
        When it is missing, no folder, holds no base model, or a file of it is cut short.
    """
    folder = Path(from_home(path))
    raise_for_errors(_place(folder))
    raise_for_errors(check_names(_names(folder), str(folder), _adapter_base(folder)))
    raise_for_errors([*_config(folder), *_shards(folder), *_weights(folder)])
    return str(folder)


def _place(folder: Path) -> list[Finding]:
    try:
        if folder.is_dir():
            _names(folder)
            return []
        if folder.exists():
            return [finding("models.not_a_folder", where="model_id", got=str(folder))]
    except PermissionError:
        return [finding("models.unreadable", where="model_id", got=str(folder))]
    except OSError:  # a name that is too long: nothing is there
        pass
    here = str(Path.cwd())
    return [finding("models.no_path", where="model_id", got=str(folder), here=here)]


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_file()]


def _adapter_base(folder: Path) -> str:
    try:
        return str(_json(folder / ADAPTER).get("base_model_name_or_path") or "")
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""


def _config(folder: Path) -> list[Finding]:
    try:
        document = _json(folder / CONFIG)
    except (ValueError, RecursionError) as error:
        return [finding("models.bad_config", where=str(folder / CONFIG), got=str(error))]
    except OSError:
        return [finding("models.unreadable", where="model_id", got=str(folder / CONFIG))]
    if not isinstance(document, dict):
        got = type(document).__name__
        return [finding("models.bad_config", where=str(folder / CONFIG), got=got)]
    return []


def _shards(folder: Path) -> list[Finding]:
    """Check that every file that an index names is there."""
    found = []
    for index in sorted(folder.glob("*.index.json")):
        try:
            named = set(_json(index)["weight_map"].values())
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            found.append(finding("models.bad_config", where=str(index), got=str(error)))
            continue
        missing = sorted(name for name in named if not (folder / name).is_file())
        if missing:
            found.append(
                finding("models.missing_shards", where=str(index), files=", ".join(missing))
            )
    return found


def _weights(folder: Path) -> list[Finding]:
    """Read the header of each weight file: one that is cut short does not fit its own header."""
    found = []
    for name in weight_files(_names(folder)):
        path = folder / name
        try:
            with open(path, "rb") as stream:
                start = stream.read(len(_POINTER))
        except OSError:
            found.append(finding("models.unreadable", where="model_id", got=str(path)))
            continue
        if start == _POINTER:
            found.append(finding("models.lfs_pointer", where=str(path)))
        elif name.endswith(".safetensors"):
            found += _safetensors(path)
    return found


def _safetensors(path: Path) -> list[Finding]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np"):
            return []
    except (SafetensorError, OSError) as error:
        return [finding("models.corrupt_weights", where=str(path), got=str(error))]


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
