"""Telling what a file is from its first bytes, and refusing with the way out what holds no rows."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import PurePath

from ft_runtime.findings import Finding, FindingsError, finding

JSONL_ENDINGS = (".jsonl", ".ndjson", ".jsonlines")
CSV_ENDINGS = (".csv", ".tsv")
_COMPRESSED = (
    (b"\x1f\x8b", "gzip", "gunzip -k {file}"),
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -d {file}"),
    (b"BZh", "bzip2", "bunzip2 -k {file}"),
    (b"\xfd7zXZ\x00", "xz", "xz -dk {file}"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -d {file}"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip", "7z x {file}"),
    (b"PK\x03\x04", "ZIP", "unzip {file}"),
    (b"PK\x05\x06", "ZIP", "unzip {file}"),
)
_COLUMNAR = (
    (b"PAR1", "Parquet", "from_parquet"),
    (b"ARROW1", "Arrow", "from_file"),
)
_BINARY = (
    (b"SQLite format 3\x00", "SQLite"),
    (b"\x89HDF", "HDF5"),
    (b"Obj\x01", "Avro"),
    (b"ORC", "ORC"),
    (b"%PDF", "PDF"),
    (b"\xd0\xcf\x11\xe0", "Office"),
    (b"\x80\x04\x95", "pickle"),
)
_WIDE = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


def refuse(head: bytes, path: str, name: str) -> None:
    """Raise `FindingsError` when the first bytes are those of no text file of rows.

    Parameters
    ----------
    head : bytes
        The first bytes, at least a few hundred if the file has them.
    path : str
        For its ending and for the command in the hint.
    name : str
        The place that the finding names.
    """
    found = _foreign(head, path, name)
    if found is not None:
        raise FindingsError([found])


def _foreign(head: bytes, path: str, name: str) -> Finding | None:
    file = shlex.quote(PurePath(path).name)
    if not head:
        return finding("data.empty_file", name)
    if head.startswith(b"PK\x03\x04") and (b"xl/" in head or path.lower().endswith(".xlsx")):
        return finding("data.spreadsheet", name)
    for magic, kind, command in _COMPRESSED:
        if head.startswith(magic):
            return finding("data.compressed", name, kind=kind, command=command.format(file=file))
    for magic, kind, reader in _COLUMNAR:
        if head.startswith(magic):
            return finding(
                "data.columnar", name, kind=kind, reader=reader, file=PurePath(path).name
            )
    for magic, kind in _BINARY:
        if head.startswith(magic):
            return finding("data.binary_file", name, kind=kind)
    if encoding := _wide(head):
        return finding("data.wide_encoding", name, encoding=encoding, file=file)
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        return finding("data.pointer_file", name, tool="Git LFS", command="git lfs pull")
    if re.match(rb"\.?\.?[\w./-]*\.git/annex/objects/|/annex/objects/", head):
        return finding("data.pointer_file", name, tool="git-annex", command=f"git annex get {file}")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    if re.match(rb"(<\?xml[^>]*>\s*)?<(!doctype html|html|head|body)\b", start):
        return finding("data.web_page", name)
    if b"\x00" in head[:16]:
        return finding("data.binary_file", name, kind="binary")
    return None


def _wide(head: bytes) -> str | None:
    """Return UTF-16 or UTF-32 by byte order mark, or by the NULs beside every ASCII letter."""
    for mark, encoding in _WIDE:
        if head.startswith(mark):
            return encoding
    start = head[:16]
    if len(start) >= 4 and len(start) % 4 == 0 and start.count(0) == len(start) * 3 // 4:
        order = "LE" if start[0] else "BE"
        return f"UTF-32{order}"
    if len(start) >= 4 and start.count(0) == len(start) // 2:
        if not any(start[1::2]):
            return "UTF-16LE"
        if not any(start[0::2]):
            return "UTF-16BE"
    return None


def kind_of(head: bytes, path: str, name: str) -> str:
    """Return how the rows are written, by content first and by the file's ending second.

    Returns
    -------
    {"jsonl", "json", "csv"}
        ``json`` is one array of objects.

    Raises
    ------
    FindingsError
        When content and ending contradict each other, or an object is spread over lines.
    """
    ending = PurePath(path).suffix.lower()
    text = head.decode("utf-8-sig", "replace")
    start = text.lstrip(" \t\r\n")
    if start.startswith("[") and _is_array(start):
        if ending in CSV_ENDINGS:
            raise FindingsError([finding("data.json_in_csv", name, ending=".json")])
        if ending in JSONL_ENDINGS:
            raise FindingsError([finding("data.array_in_jsonl", name)])
        return "json"
    if start.startswith(("{", "[")):
        if ending in CSV_ENDINGS:
            raise FindingsError([finding("data.json_in_csv", name, ending=".jsonl")])
        if start.startswith("{") and _is_pretty(start):
            raise FindingsError([finding("data.pretty_json", name)])
        return "jsonl"
    if ending in CSV_ENDINGS:
        return "csv"
    looks_like_csv = _looks_like_csv(start)
    if ending in (*JSONL_ENDINGS, ".json"):
        if looks_like_csv:
            raise FindingsError([finding("data.csv_in_jsonl", name)])
        return "jsonl"
    return "csv" if looks_like_csv else "jsonl"


def _is_array(start: str) -> bool:
    """Tell an array of rows from JSON Lines whose first row happens to be a list."""
    try:
        _, end = json.JSONDecoder().raw_decode(start)
    except (ValueError, RecursionError):
        return True
    return not start[end:].strip() or "\n" in start[:end].rstrip()


def _is_pretty(start: str) -> bool:
    """Tell an object that is spread over several lines from a broken first line."""
    first, _, rest = start.partition("\n")
    if first.strip() == "{":
        return rest.lstrip().startswith(('"', "}"))
    try:
        json.JSONDecoder().raw_decode(first)
    except (ValueError, RecursionError):
        try:
            _, end = json.JSONDecoder().raw_decode(start)
        except (ValueError, RecursionError):
            return False
        return "\n" in start[:end]
    return False


def _looks_like_csv(start: str) -> bool:
    lines = [line for line in start.split("\n")[:20] if line.strip()]
    if not lines or any(line.lstrip().startswith(("{", "[")) for line in lines):
        return False
    return any(mark in lines[0] for mark in ",;\t")
