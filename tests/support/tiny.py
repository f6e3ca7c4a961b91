"""The small models of the tests: built once per machine and source, shared by all workers."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import tempfile
from pathlib import Path

from filelock import FileLock

import ft_runtime.tiny
from ft_runtime.files import sha256_file
from ft_runtime.tiny import build_tiny_model
from ft_runtime.tiny.texts import example_texts

_SUMS = "sha256.json"


def shared_tiny_model(kind: str) -> Path:
    """Return the folder of a small model, building it when it is missing or was changed.

    Tests must treat it as read-only; one that writes into a model copies it first.
    """
    root = Path(tempfile.gettempdir()) / f"ft-tiny-{os.getuid()}" / _key()
    root.mkdir(parents=True, exist_ok=True)
    folder = root / kind
    with FileLock(root / f"{kind}.lock"):
        if not _intact(folder):
            shutil.rmtree(folder, ignore_errors=True)
            build_tiny_model(kind, folder)  # type: ignore[arg-type]
            (root / f"{kind}-{_SUMS}").write_text(json.dumps(_sums(folder)))
    return folder


def _key() -> str:
    """Everything that the bytes of a model depend on: our source, the texts, the libraries."""
    digest = hashlib.sha256()
    for source in sorted(Path(ft_runtime.tiny.__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    digest.update("\0".join(example_texts()).encode())
    for name in ("torch", "transformers", "tokenizers"):
        digest.update(importlib.metadata.version(name).encode())
    return digest.hexdigest()[:16]


def _sums(folder: Path) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in sorted(folder.iterdir())}


def _intact(folder: Path) -> bool:
    sums = folder.with_name(f"{folder.name}-{_SUMS}")
    return sums.is_file() and folder.is_dir() and json.loads(sums.read_text()) == _sums(folder)
