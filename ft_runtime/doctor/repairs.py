"""The repaired copy of a dataset that was surveyed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ft_runtime.doctor.cleaning import KINDS, Fixed, fix
from ft_runtime.findings import FindingsError, finding

if TYPE_CHECKING:
    from ft_runtime.doctor.survey import Survey


def repair(found: Survey, target: str, kinds: str | None = None) -> Fixed:
    """Write a repaired copy of the one text file of a dataset.

    Parameters
    ----------
    found : Survey
    target : str
        Must not exist.
    kinds : str, optional
        Kinds of repair, with commas between; all by default.

    Raises
    ------
    FindingsError
        ``doctor_report.cannot_fix``: several files, or none with lines; and as `fix`.
    """
    each = found.files[0] if len(found.files) == 1 else None
    if each is not None and each.scan.container in ("csv", "tsv"):
        # A table of prompts and answers was read from a copy.
        place = Path(each.plain.source) if each.plain.rewritten else each.plain.path
    elif each is not None and not each.plain.rewritten:
        place = each.plain.path
    else:
        container = ", ".join(one.scan.container for one in found.files) or "-"
        raise FindingsError([finding("doctor_report.cannot_fix", "--fix", container=container)])
    table = each.scan.container.endswith(("csv", "tsv"))
    return fix(
        place,
        target,
        [kind.strip() for kind in kinds.split(",")] if kinds else KINDS,
        kind="csv" if table else "jsonl",
        label=each.scan.columns.get("label", "label"),
        delimiter=_delimiter(place) if table else ",",
        labelled=each.scan.format == "csv_classification",
    )


def _delimiter(path: Path) -> str:
    from ft_runtime.doctor.head import detect

    dialect = detect(path).dialect
    return dialect.delimiter if dialect else ","
