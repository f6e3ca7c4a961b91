"""Rows and tokenizer for a data file that no config names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime.data.load import check_contents
from ft_runtime.data.read import read_file
from ft_runtime.data.rows import Row
from ft_runtime.findings import FindingsError, finding

if TYPE_CHECKING:
    from ft_runtime.doctor.containers import Plain
    from ft_runtime.doctor.survey import Survey


def rows_of(found: Survey) -> tuple[list[Row], list[str]]:
    """Return the usable rows of surveyed files as a run reads them, and their labels.

    Raises
    ------
    FindingsError
        The reader of a run cannot read a file, or no row of it.
    """
    assert found.format is not None
    plain = {each.plain.source: each.plain for each in found.files}
    read = [read_file(each.path, source) for source, each in plain.items()]
    rows, told = check_contents(found.format, found.files[0].scan.columns, read)
    if rows is None:
        raise FindingsError(told)
    return [_placed(row, plain[row.source]) for row in rows.usable], rows.label_names


def _placed(row: Row, plain: Plain) -> Row:
    """Name a row by its place in the source, not in a copy."""
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
