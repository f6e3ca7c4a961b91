"""Rows, splits and configs, made by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ft_runtime as ft
from ft_runtime.data.rows import Row, RowSet, Source
from ft_runtime.data.splits import Splits
from ft_runtime.findings import Finding, finding
from ft_runtime.tokens import PreparedData, prepare_data
from ft_runtime.tokens.prepared import IGNORED
from support.tokens.dialects import CHATML, Dialect
from support.tokens.tokenizers import byte_level


def config_for(format: str, **more: Any) -> Any:
    dataset = {"path": "a.jsonl", "format": format, "max_lost_fraction": more.pop("lost", 1.0)}
    return ft.load_config(
        {
            "provider": "hf_local",
            "model_id": "./model",
            "tune_type": "lora",
            "dataset": dataset,
            "hyperparams": {"max_seq_len": more.pop("length", 512), **more},
        }
    )


def rows_of(format: str, *fields: dict[str, Any] | None) -> RowSet:
    found = [
        Row(
            number,
            "a.jsonl",
            number,
            None,
            values,
            () if values else (finding("data.no_messages", f"a.jsonl:{number}"),),
        )
        for number, values in enumerate(fields, 1)
    ]
    return RowSet(found, format, [Source("a.jsonl", "/a.jsonl", "0" * 64, 1, len(found))])


def split_rows(rows: RowSet, val: int = 0, test: int = 0) -> Splits:
    usable = rows.usable
    first = len(usable) - val - test
    return Splits(usable[:first], usable[first : first + val], usable[first + val :], "tail")


def chat(*contents: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": c} for i, c in enumerate(contents)]}


def prompt(text: str, answer: str) -> dict[str, Any]:
    return {"prompt": text, "completion": answer}


def prepared(format: str, *fields: Any, dialect: Dialect = CHATML, **options: Any) -> PreparedData:
    rows = rows_of(format, *fields)
    splits = split_rows(rows, options.pop("val", 0), options.pop("test", 0))
    return prepare_data(config_for(format, **options), rows, splits, byte_level(dialect))


def codes(found: Iterable[Finding]) -> set[str]:
    return {item.code for item in found}


def learned(tokenizer: Any, row: dict[str, Any]) -> str:
    """The text that the loss looks at."""
    ids = [label for label in row["labels"] if label != IGNORED]
    return tokenizer.decode(ids, skip_special_tokens=False)


class FakeRun:
    """What `prepare_data` asks of a run."""

    leads = True

    def __init__(self, path: Path, created: str = "2026-01-01T00:00:00.000+00:00") -> None:
        self.path = path
        self.manifest = {"created": created}
        self.pins: dict[str, Any] = {}

    def pin(self, kind: str, value: Any) -> None:
        self.pins[kind] = value
