"""Rows and tokenizer for a data file that no config names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime.data.columns import resolve
from ft_runtime.data.formats import FORMATS
from ft_runtime.data.labels import label_of
from ft_runtime.data.load import _rows_of
from ft_runtime.data.read import read_file
from ft_runtime.data.rows import Row
from ft_runtime.data.tally import Tally
from ft_runtime.findings import FindingsError, finding

if TYPE_CHECKING:
    from ft_runtime.doctor.survey import Survey


def rows_of(found: Survey) -> tuple[list[Row], list[str]]:
    """Return the usable rows of surveyed files as a run reads them, and their labels.

    Raises
    ------
    FindingsError
        The reader of a run cannot read a file.
    """
    assert found.format is not None
    format = FORMATS[found.format]
    rows: list[Row] = []
    for each in found.files:
        contents = read_file(each.plain.path, each.plain.source)
        names, _ = resolve(format, each.scan.columns, contents)
        made = _rows_of(contents, format, names, len(rows), Tally())
        rows += [_numbered(row, each.plain) for row in made]
    usable = [row for row in rows if row.usable]
    labels = sorted({label_of(row) for row in usable}) if found.format.startswith("csv") else []
    return usable, labels


def _numbered(row: Row, plain: Any) -> Row:
    from dataclasses import replace

    if plain.rows_only:
        return replace(row, line=0, number=row.line)
    return replace(row, line=plain.number(row.line))


def tokenizer_of(path: str) -> Any:
    """Load the tokenizer of a model's folder; the plain chat template stands in for a missing one.

    Raises
    ------
    FindingsError
        ``doctor_report.no_tokenizer``.
    """
    from ft_runtime.tokens import PLAIN_CHAT_TEMPLATE

    if not Path(path).is_dir():
        raise FindingsError([finding("doctor_report.no_tokenizer", path, reason="no such folder")])
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
    except Exception as error:  # whatever the library makes of a folder without a tokenizer
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise FindingsError([finding("doctor_report.no_tokenizer", path, reason=reason)]) from None
    if not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN_CHAT_TEMPLATE
    return tokenizer
