"""Loading the dataset that a config names: every input row, readable or not, and what is wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ft_runtime.data.columns import resolve
from ft_runtime.data.formats import FORMATS, Format
from ft_runtime.data.hub import choose, contents_of, read_hub
from ft_runtime.data.labels import check_labels, label_of
from ft_runtime.data.places import SHOWN, join_places
from ft_runtime.data.read import Contents, read_file
from ft_runtime.data.rows import Row, RowSet, Source
from ft_runtime.data.same import repeats
from ft_runtime.data.saved import is_saved, load_saved
from ft_runtime.data.tally import Tally, unusable
from ft_runtime.doctor.jsonl.explain import judge
from ft_runtime.doctor.jsonl.glance import glance
from ft_runtime.doctor.jsonl.layout import make_layout
from ft_runtime.doctor.jsonl.value import Explained
from ft_runtime.doctor.problems import is_error, told
from ft_runtime.files import from_home
from ft_runtime.findings import Finding, FindingsError, errors, finding, notify, raise_for_errors
from ft_runtime.garbage import at_rest

if TYPE_CHECKING:
    from ft_runtime.config import Config

SPLITS = ("train", "val", "test")


def load_rows(config: Config) -> RowSet:
    """Read the dataset of a config.

    Parameters
    ----------
    config : Config
        ``dataset.*`` is used.

    Returns
    -------
    RowSet
        One `Row` for every input row, in file order; a row that cannot be used says why. Warnings
        are shown, and kept in ``findings``.

    Raises
    ------
    FindingsError
        With all findings, when the dataset as a whole cannot serve: no such file, wrong format for
        the content, missing columns, no usable row, one class only.
    """
    rows, found = check_rows(config)
    raise_for_errors(found)
    assert rows is not None
    notify(*found)
    return rows


@at_rest()
def check_rows(config: Config) -> tuple[RowSet | None, list[Finding]]:
    """Read the dataset and return it with all findings; None when there are errors.

    Nothing is shown and nothing is raised for bad input.
    """
    read, found = _read_all(config)
    return check_contents(config.dataset.format, config.dataset.columns or {}, read, found)


@at_rest()
def check_contents(
    format_name: str,
    columns: Mapping[str, str],
    read: Sequence[Contents],
    found: Sequence[Finding] = (),
) -> tuple[RowSet | None, list[Finding]]:
    """Check what was read against a format; None when there are errors.

    Parameters
    ----------
    format_name : str
        As in ``dataset.format``.
    columns : Mapping
        ``dataset.columns``.
    read : sequence of Contents
        One a file.
    found : sequence of Finding
        What reading has told.
    """
    format = FORMATS[format_name]
    found = list(found)
    tally = Tally()
    rows: list[Row] = []
    for contents in read:
        names, noted = resolve(format, columns, contents)
        found += noted
        if not errors(noted):
            before = len(rows)
            rows += rows_of(contents, format, names, before, tally)
            lines = any(record.line for record in contents.records[:1])
            tally.add_log(contents.marks, contents.name, None if lines else before)
    found += tally.findings()
    if errors(found):
        return None, _errors_first(found)
    sources = [Source(c.name, c.path, c.sha256, c.bytes, len(c.records), c.revision) for c in read]
    result = RowSet(rows, format.name, sources)
    found += _check_all(result)
    result.findings = _errors_first(found)
    return (None if errors(found) else result), result.findings


def _read_all(config: Config) -> tuple[list[Contents], list[Finding]]:
    """Read every file of the dataset, so that the troubles of all of them are told together."""
    dataset = config.dataset
    if dataset.source == "hf_dataset_id":
        try:
            return read_hub(dataset.id, dataset.config_name, dataset.revision)
        except FindingsError as error:
            return [], error.findings
    if not isinstance(dataset.path, Mapping):
        plan = [("", from_home(dataset.path), "dataset.path")]
    else:
        plan = [
            (split, from_home(dataset.path[split]), f"dataset.path.{split}")
            for split in SPLITS
            if split in dataset.path
        ]
    bases = [os.path.basename(path) for _, path, _ in plan]  # noqa: PTH119
    read: list[Contents] = []
    found: list[Finding] = []
    for (split, path, where), base in zip(plan, bases, strict=True):
        # Two files of one name in different folders are told apart by their paths.
        name = path if bases.count(base) > 1 else base
        try:
            for contents in _read_one(path, name, where, split or None, found):
                found += contents.findings
                read.append(contents)
        except FindingsError as error:
            found += error.findings
    return read, found


def _read_one(
    path: str, name: str, where: str, split: str | None, found: list[Finding]
) -> list[Contents]:
    """Read a file, or a folder that the datasets library saved."""
    if not is_saved(path):
        contents = read_file(path, name, where=where)
        contents.split = split
        return [contents]
    parts, absolute = load_saved(path, where), os.path.abspath(path)  # noqa: PTH100
    if split is None:
        chosen, told = choose(parts, name)
        found += told
        return [contents_of(parts[one], f"{name}/{one}", absolute, kind) for one, kind in chosen]
    if len(parts) > 1:
        raise FindingsError([finding("data.several_splits", where, splits=", ".join(parts))])
    return [contents_of(part, name, absolute, split) for part in parts.values()]


def rows_of(
    contents: Contents, format: Format, names: Mapping[str, str], before: int, tally: Tally
) -> list[Row]:
    """Judge every record by the rules of the format: one row each, whatever is wrong with it."""
    layout = make_layout(format.name, dict(names))
    rows = []
    source, split = contents.name, contents.split
    fine = glance(layout)
    for number, record in enumerate(contents.records, before + 1):
        value = record.value
        if value and record.whole and not record.problems and fine(value, record.risky):
            used = {column: value[name] for column, name in names.items() if name in value}
            rows.append(Row(number, source, record.line, split, format.fields(used)))
            continue
        looked = Explained(list(record.problems), whole=record.whole, risky=record.risky)
        fields = None
        if record.value is not None:
            # The cells of a record that is not UTF-8 are not judged as texts.
            if not (contents.kind == "csv" and record.problems):
                judge(record.value, layout, looked)
            fields = {
                column: record.value[name] for column, name in names.items() if name in record.value
            }
            fields = format.fields(fields) if looked.fine else fields
        row = Row(number, source, record.line, split, fields)
        if looked.problems:
            tally.add((p for p in looked.problems if not is_error(p.code)), row.spot)
            place = join_places([row.spot])
            wrong = tuple(told(p, place) for p in looked.problems if is_error(p.code))
            row = replace(row, problems=wrong)
        rows.append(row)
    return rows


def _check_all(result: RowSet) -> list[Finding]:
    """Check the dataset as a whole, and sum up the rows that cannot be used."""
    total = len(result.rows)
    usable = result.usable
    name = ", ".join(source.name for source in result.sources)
    found = [
        finding(
            "data.rows_unusable",
            places,
            count=count,
            total=total,
            problem_code=code,
            problem=first.message,
            fix=first.hint,
        )
        for code, count, places, first in unusable(result.rows)
    ]
    if not usable:
        return [finding("data.no_usable_rows", name, total=total), *found]
    if again := repeats(usable):
        spots = [row.spot for _, row in again]
        lines = "; ".join(f"{one.spot[1]} = {other.spot[1]}" for one, other in again[:3])
        found.append(
            finding(
                "data.duplicate_rows",
                join_places(spots[:SHOWN], len(again)),
                count=len(again),
                lines=lines,
            )
        )
    if result.format == "csv_classification":
        result.label_names = sorted({label_of(row) for row in usable})
        found += check_labels(usable, name)
    return found


def _errors_first(found: list[Finding]) -> list[Finding]:
    rank = {"error": 0, "warning": 1, "info": 2}
    return sorted(found, key=lambda item: rank[item.severity])
