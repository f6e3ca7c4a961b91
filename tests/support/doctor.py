"""Small datasets in every container."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

ROWS = [{"text": f"number {i} is the one", "label": "abc"[i % 3]} for i in range(60)]


def jsonl(path: Path, rows: list[dict[str, Any]], **more: Any) -> Path:
    path.write_text("".join(json.dumps(row, **more) + "\n" for row in rows), encoding="utf-8")
    return path


def table(path: Path, rows: list[dict[str, Any]], delimiter: str = ",") -> Path:
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["text", "label"], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def packed(path: Path, source: Path) -> Path:
    with gzip.open(path, "wb") as stream:
        stream.write(source.read_bytes())
    return path
