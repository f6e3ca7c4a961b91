"""Delimiter and header of a CSV file, and what is odd about them."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field

from ft_runtime.data.columns import diagnose
from ft_runtime.data.detect import NAMES, mapping_yaml, plain_name, suggest
from ft_runtime.data.formats import FORMATS
from ft_runtime.data.places import listing
from ft_runtime.doctor.csv.split import find_signs, split
from ft_runtime.doctor.csv.table import Table
from ft_runtime.doctor.jsonl.words import PAD
from ft_runtime.doctor.sniff import BOM
from ft_runtime.findings import Finding, finding

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_ENDS = (b",", b";", b"\t", b"|")


@dataclass
class Dialect:
    """The layout of a CSV file, as far as its head shows it.

    Attributes
    ----------
    table : Table or None
        None when the columns needed are not there: see `findings`.
    header : list of str
    delimiter : str
    begin : int
        Where the first record after the header begins.
    lines : int
        Physical lines before that.
    findings, column_findings : list of Finding
        On the form of the file, and on which columns are text and label.
    columns : dict
        Canonical name to name in the file.
    """

    header: list[str]
    delimiter: str
    begin: int
    lines: int
    findings: list[Finding] = field(default_factory=list)
    column_findings: list[Finding] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    table: Table | None = None


def read_dialect(
    head: bytes, name: str, columns: dict[str, str] | None = None, tabs: bool = False
) -> Dialect:
    """Return delimiter, header and columns from the first bytes of a file.

    Parameters
    ----------
    head : bytes
    name : str
        For findings.
    columns : dict, optional
        Canonical name to name in the file.
    tabs : bool
        Whether tabs are what one expects of this file.
    """
    begin = len(BOM) if head.startswith(BOM) else 0
    findings: list[Finding] = []
    lines = 0
    while begin < len(head):
        after = head.find(b"\n", begin) + 1 or len(head)
        if _is_comment(head, begin):
            findings.append(finding("data.csv_comment", f"{name}:{lines + 1}"))
        elif head[begin:after].strip():
            break
        begin, lines = after, lines + 1
    after = head.find(b"\n", begin) + 1 or len(head)
    while head.count(b'"', begin, after) & 1 and after < len(head):
        after = head.find(b"\n", after) + 1 or len(head)
    where = f"{name}:{lines + 1}"
    raw = head[begin:after]
    first = raw.decode("utf-8", "replace").rstrip("\r\n")
    delimiter = _delimiter(first)
    header, sound = _header(raw, delimiter)
    if not sound:
        findings.append(finding("data.unbalanced_quote", where))
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = f"0x{raw[error.start]:02x}"
        findings.append(finding("data.not_utf8", f"{where} byte {error.start + 1}", byte=byte))
        sound = False
    lines += head.count(b"\n", begin, after)
    dialect = Dialect(header, delimiter, after, lines, findings)
    if delimiter != "," and not (tabs and delimiter == "\t"):
        findings.append(finding("data.csv_delimiter", name, delimiter=DELIMITERS[delimiter]))
    repeated = sorted(cell for cell, count in Counter(header).items() if count > 1 and cell)
    if repeated:
        findings.append(finding("data.duplicate_column", where, names=listing(repeated)))
    if not header:
        findings.append(finding("data.blank_file", name))
    elif sound:
        _columns(dialect, name, columns or {})
    return dialect


def _is_comment(head: bytes, begin: int) -> bool:
    """Tell a line of comment from a column that is called "#"."""
    return head[begin : begin + 1] == b"#" and head[begin + 1 : begin + 2] not in _ENDS


def _header(raw: bytes, delimiter: str) -> tuple[list[str], bool]:
    """Return the cells of the header, none for a blank one, and whether its quotes are right."""
    text = raw.removesuffix(b"\n").removesuffix(b"\r")
    if not text.strip():
        return [], True
    signs = find_signs(text + b"\n" + bytes(PAD), len(text) + 1, ord(delimiter))
    found = split(signs, 0, 0, signs.at.size, True)
    if found.problem or found.ends.size != 1:
        return text.decode("utf-8", "replace").split(delimiter), False
    bounds = [-1, *found.separators.tolist()]
    cells = [text[a + 1 : b] for a, b in itertools.pairwise(bounds)]
    return [unquoted(cell).decode("utf-8", "replace") for cell in cells], True


def unquoted(cell: bytes) -> bytes:
    """Return a cell without the quotes around it."""
    return cell[1:-1].replace(b'""', b'"') if len(cell) > 1 and cell[0] == 34 else cell


def _delimiter(header: str) -> str:
    """Return the sign that parts most names that are known, or else most cells.

    The names of a config play no part: whoever reads the file has to find the same.
    """
    return max(
        DELIMITERS,
        key=lambda sign: (
            len(NAMES & {plain_name(cell.strip('"')) for cell in header.split(sign)}),
            header.count(sign),
            sign == ",",
        ),
    )


def _columns(dialect: Dialect, name: str, columns: dict[str, str]) -> None:
    """Find text and label: by the names given, else by names that are known for them."""
    header, add = dialect.header, dialect.column_findings.append
    present = dict.fromkeys(header, "")
    near = {"text": "text", "label": "label", **(suggest("csv_classification", present) or {})}
    found: dict[str, str] = {}
    for column in ("text", "label"):
        actual = columns.get(column, column)
        if actual in header:
            found[column] = actual
        elif near[column] in header and column not in columns:
            found[column] = near[column]
    dialect.columns = found
    wanted = {column: columns.get(column, column) for column in ("text", "label")}
    odd = [column for column in found if plain_name(wanted[column]) == plain_name(found[column])]
    missing = [c for c in wanted if c not in found or (c in odd and found[c] != wanted[c])]
    if missing:
        format = FORMATS["csv_classification"]
        add(diagnose(format, wanted, missing, present, "csv", name))
    other = {c: actual for c, actual in found.items() if actual != wanted[c] and c not in missing}
    if other:
        add(finding("data.mapping", name, mapping=mapping_yaml(other)))
    if len(found) < 2:
        return
    dialect.table = Table(
        ord(dialect.delimiter),
        len(header),
        header.index(found["text"]),
        header.index(found["label"]),
        (found["text"], found["label"]),
        tuple(header),
    )
