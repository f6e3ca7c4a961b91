"""The example datasets that come with the package."""

from __future__ import annotations

import csv
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import jupyter_ft
from ft_runtime.data import detect_format
from ft_runtime.data.places import printable
from jupyter_ft.services.places import Root
from jupyter_ft.services.problem import refuse

_TITLES = {
    "chat": "Conversations of several turns",
    "classification": "Messages of customers, five teams",
    "code_review": "Reviews of pieces of Python",
    "summarisation": "Short texts and one-sentence summaries",
    "technical_qa": "Answers to questions of developers",
    "text_to_sql": "Questions and SQL queries",
}
_ENDINGS = (".jsonl", ".csv")


def examples(root: Root) -> list[dict[str, Any]]:
    """List the examples, with their path when they lie inside the server's folder."""
    return [{**facts, "path": root.path_of(path)} for path, facts in _known()]


def example_file(name: str) -> Path:
    """Return the file of an example.

    Raises
    ------
    Problem
        404 for a name that is not listed; it is compared with the list, and never joined to a path.
    """
    for path, facts in _known():
        if facts["name"] == name:
            return path
    names = ", ".join(facts["name"] for _, facts in _known())
    raise refuse(404, "server.no_example", "name", got=printable(name, 80), known=names)


def datasets_folder() -> Path:
    """Return the folder of the example data: in the installed package, else in the checkout."""
    package = Path(jupyter_ft.__file__).resolve().parent
    inside = package / "examples" / "datasets"
    return inside if inside.is_dir() else package.parent / "examples" / "datasets"


def configs_folder() -> Path:
    """Return the folder of the example configs."""
    return datasets_folder().parent / "configs"


@lru_cache(maxsize=1)
def _known() -> tuple[tuple[Path, dict[str, Any]], ...]:
    return tuple(
        (path, _describe(path))
        for path in sorted(datasets_folder().iterdir())
        if path.suffix in _ENDINGS
    )


def _describe(path: Path) -> dict[str, Any]:
    found = detect_format(path)
    return {
        "name": path.name,
        "title": _TITLES.get(path.stem, path.stem),
        "format": found.format,
        "rows": _count(path),
        "bytes": path.stat().st_size,
        "columns": found.columns,
    }


def _count(path: Path) -> int:
    with open(path, encoding="utf-8", newline="") as stream:
        if path.suffix == ".csv":
            return sum(1 for _ in csv.reader(stream)) - 1
        return sum(1 for line in stream if json.loads(line) is not None)
