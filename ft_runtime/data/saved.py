"""A folder that the datasets library wrote with ``save_to_disk``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ft_runtime.findings import FindingsError, finding

_MARKS = ("dataset_info.json", "dataset_dict.json")


def is_saved(path: str | Path) -> bool:
    """Tell a saved dataset from any other folder or file."""
    try:
        return any((Path(path) / name).is_file() for name in _MARKS)
    except (OSError, ValueError):
        return False


def load_saved(path: str | Path, where: str) -> dict[str, Any]:
    """Load a saved dataset: its splits by name, a dataset without splits as ``train``.

    Raises
    ------
    FindingsError
        The library is missing, or the folder is damaged.
    """
    try:
        import datasets
    except ImportError:
        raise FindingsError([finding("data.no_pyarrow", where, kind="dataset")]) from None
    try:
        loaded = datasets.load_from_disk(str(path))
    except Exception as error:  # whatever the library makes of a damaged folder
        problem = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise FindingsError(
            [finding("data.broken_columnar", where, kind="dataset", problem=problem)]
        ) from None
    return dict(loaded) if isinstance(loaded, Mapping) else {"train": loaded}
