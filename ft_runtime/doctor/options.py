"""The options of ``check`` that the doctor understands; light, for every start of the command."""

from __future__ import annotations

import argparse
from typing import Any

from ft_runtime.findings import text

FORMATS = ("jsonl_chat", "jsonl_instr", "jsonl_prompt", "csv_classification")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that the doctor understands beside ``--set``, ``--tokens``, ``--json``."""

    def add(name: str, key: str, **more: Any) -> None:
        parser.add_argument(name, help=text(f"doctor_report.opt_{key}"), **more)

    add("more", "more", nargs="*", metavar="file")
    add("--format", "format", choices=FORMATS)
    add("--columns", "columns", action="append", default=[], metavar="canonical=actual")
    add("--csv", "csv", metavar="findings.csv")
    add("--html", "html", metavar="report.html")
    add("--fix", "fix", metavar="out.jsonl")
    add("--fix-kinds", "fix_kinds", metavar="kind,kind")
    add("--write-splits", "splits", metavar="folder")
    add("--write-record", "record", metavar="folder")
    add("--against", "against", metavar="data-or-run")
    add("--tokenizer", "tokenizer", metavar="folder")
    add("--max-seq-len", "length", type=_positive, default=None, metavar="n")
    add("--draw", "draw", type=_positive, default=None, metavar="line")
    add("--near", "near", action="store_true")
    add("--phone", "phone", action="store_true")
    add("--workers", "workers", type=_positive, default=None, metavar="n")


def _positive(typed: str) -> int:
    number = int(typed)
    if number < 1:
        raise ValueError
    return number


_positive.__name__ = "positive number"  # what argparse calls it in "invalid ... value"


def forwarded(arguments: argparse.Namespace) -> list[str]:
    """Return the doctor's options as they were typed, for the command that shares this door."""
    typed: list[str] = []
    for name in _NAMES:
        value = getattr(arguments, name.lstrip("-").replace("-", "_"))
        for each in value if isinstance(value, list) else [value]:
            if each is True:
                typed.append(name)
            elif each not in (None, False):
                typed.append(f"{name}={each}")
    return typed


def checks_of(arguments: argparse.Namespace) -> frozenset[str]:
    """Return what is looked for: the usual, and what was asked for beside it."""
    from ft_runtime.doctor.engine import CHECKS

    return CHECKS | {name for name in ("near", "phone") if getattr(arguments, name)}


_NAMES = (
    "--format",
    "--columns",
    "--csv",
    "--html",
    "--fix",
    "--fix-kinds",
    "--write-splits",
    "--write-record",
    "--against",
    "--tokenizer",
    "--max-seq-len",
    "--draw",
    "--near",
    "--phone",
    "--workers",
)
