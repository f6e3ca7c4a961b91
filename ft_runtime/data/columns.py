"""Which column of the user's data is which: the mapping of the config against what is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ft_runtime.data.detect import as_yaml, detect_columns, suggest
from ft_runtime.data.formats import Format
from ft_runtime.data.places import listing
from ft_runtime.findings import Finding, finding

if TYPE_CHECKING:
    from ft_runtime.data.read import Contents


def resolve(
    format: Format, mapping: Mapping[str, str], contents: Contents
) -> tuple[dict[str, str], list[Finding]]:
    """Find every canonical column in the data.

    Parameters
    ----------
    format : Format
    mapping : Mapping
        ``dataset.columns``: canonical name to the name in the data.
    contents : Contents

    Returns
    -------
    names : dict
        Canonical column to the column of the data, all columns of the format.
    findings : list of Finding
        Errors when a column is in no row at all; notes on what is not used.
    """
    names = {column: mapping.get(column, column) for column in format.columns}
    if not contents.columns:
        return names, []
    wanted = [*format.required, *(column for column in format.optional if column in mapping)]
    missing = [column for column in wanted if names[column] not in contents.columns]
    if missing:
        kind, name = contents.kind, contents.name
        return names, [diagnose(format, names, missing, contents.columns, kind, name)]
    found: list[Finding] = []
    used = set(names.values())
    if unused := [column for column in contents.columns if column not in used]:
        found.append(finding("data.unused_columns", contents.name, names=listing(unused)))
    return names, found


def diagnose(
    format: Format,
    names: Mapping[str, str],
    missing: list[str],
    present: Mapping[str, Any],
    kind: str,
    where: str,
) -> Finding:
    """Return the one finding that says why columns are missing, and what to type.

    Parameters
    ----------
    format : Format
    names : Mapping
        Canonical column to the name that was looked for.
    missing : list of str
        Canonical columns.
    present : Mapping
        The columns that are there, each with a value.
    kind : str
        ``csv`` for a table with a header.
    where : str
        For the finding.
    """
    plain = {name.strip().lower() for name in present}
    facts = {
        "format": format.name,
        "missing": listing(names[column] for column in missing),
        "present": listing(present),
    }
    if {"chosen", "rejected"} <= plain:
        return finding("data.preference_data", where, **facts)
    detected = detect_columns(present)
    fitting = suggest(format.name, present)
    # Another format by its own very names is more likely than this one under other names.
    if detected.format not in (None, format.name) and (fitting is None or not detected.columns):
        assert detected.format is not None
        yaml = as_yaml(detected.format, detected.columns)
        return finding("data.wrong_format", where, detected=detected.format, yaml=yaml, **facts)
    if fitting is not None:
        yaml = as_yaml(format.name, fitting)
        return finding("data.missing_columns", where, yaml=yaml, **facts)
    example = as_yaml(format.name, dict.fromkeys(missing, "your_column"))
    code = "data.no_header" if kind == "csv" else "data.unknown_columns"
    return finding(code, where, yaml=example, header=",".join(format.required), **facts)
