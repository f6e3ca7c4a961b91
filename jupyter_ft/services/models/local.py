"""A model in a folder: what its small files and the headers of its weights tell."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

from ft_runtime.findings import Finding, finding
from ft_runtime.models.files import ADAPTER, CONFIG, check_names, weight_files
from jupyter_ft.services.models.facts import ModelFacts

_SMALL = 64 << 20
_HEADER = 100 << 20
_POINTER = b"version https://git-lfs"
_LICENCES = 200
_BROKEN = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    struct.error,
)


def describe_folder(folder: Path, shown: str) -> ModelFacts:
    """Return what a model folder holds, without reading weights.

    Parameters
    ----------
    folder : Path
    shown : str
        How findings name it.
    """
    facts = ModelFacts("local", exists=True, gated=False)
    try:
        facts.files = sorted(path.name for path in folder.iterdir() if path.is_file())
    except OSError:
        facts.findings = [finding("models.unreadable", "model_id", got=shown)]
        return facts
    adapter = _document(folder / ADAPTER)
    base = str((adapter or {}).get("base_model_name_or_path") or "")
    facts.findings = check_names(facts.files, shown, base)
    if CONFIG in facts.files:
        facts.config = _document(folder / CONFIG)
        if facts.config is None:
            got = "it is not a JSON object"
            facts.findings.append(finding("models.bad_config", f"{shown}/{CONFIG}", got=got))
    facts.tokenizer = _document(folder / "tokenizer_config.json")
    facts.licence = _licence(folder / "README.md")
    facts.counted, told = _count(folder, weight_files(facts.files), shown)
    facts.findings += told + _shards(folder, facts.files, shown)
    return facts


def _document(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > _SMALL:
            return None
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _licence(readme: Path) -> str | None:
    """Return the licence that a model card says in its front matter."""
    try:
        with open(readme, encoding="utf-8") as stream:
            lines = [next(stream, "") for _ in range(_LICENCES)]
    except (OSError, ValueError):
        return None
    if lines[0].strip() != "---":
        return None
    for line in lines[1:]:
        if line.strip() == "---":
            return None
        if line.startswith("license:"):
            return line.partition(":")[2].strip().strip("'\"")[:80] or None
    return None


def _count(folder: Path, names: list[str], shown: str) -> tuple[int | None, list[Finding]]:
    """Add up the tensors that the headers of the safetensors files list."""
    total, known = 0, bool(names)
    found: list[Finding] = []
    for name in names:
        if not name.endswith(".safetensors"):
            return None, found
        try:
            total += _parameters(folder / name)
        except _PointerError:
            found.append(finding("models.lfs_pointer", f"{shown}/{name}"))
            known = False
        except _BROKEN as error:
            got = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            found.append(finding("models.corrupt_weights", f"{shown}/{name}", got=got))
            known = False
    return (total if known else None), found


class _PointerError(Exception):
    pass


def _parameters(path: Path) -> int:
    """Return the number of elements in a safetensors file: 8 bytes of length, a JSON header, data.

    Raises
    ------
    ValueError
        When the file is shorter than its header says.
    """
    size = path.stat().st_size
    with open(path, "rb") as stream:
        start = stream.read(8)
        if _POINTER.startswith(start) and start:
            raise _PointerError
        (length,) = struct.unpack("<Q", start)
        if length > min(_HEADER, size - 8):
            raise ValueError("the header is longer than the file")
        header = json.loads(stream.read(length))
    tensors = [entry for name, entry in header.items() if name != "__metadata__"]
    end = max((entry["data_offsets"][1] for entry in tensors), default=0)
    if 8 + length + end != size:
        raise ValueError(f"expected {8 + length + end} bytes, got {size}")
    return sum(math.prod(entry["shape"]) for entry in tensors)


def _shards(folder: Path, names: list[str], shown: str) -> list[Finding]:
    """Name the weight files that an index lists and that are not there."""
    found = []
    for name in names:
        if not name.endswith(".index.json"):
            continue
        listed = (_document(folder / name) or {}).get("weight_map")
        files = set(listed.values()) if isinstance(listed, dict) else set()
        missing = sorted(str(file) for file in files if file not in names)
        if missing:
            where = f"{shown}/{name}"
            found.append(finding("models.missing_shards", where, files=", ".join(missing[:8])))
    return found
