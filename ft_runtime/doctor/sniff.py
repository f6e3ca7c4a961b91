"""What a file is, from its first bytes: rows to be read, or something refused with the way out."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path, PurePath

from ft_runtime.findings import Finding, finding

JSONL_ENDINGS = (".jsonl", ".ndjson", ".jsonlines")
TABLE_ENDINGS = (".csv", ".tsv")
BOM = b"\xef\xbb\xbf"
_PACKED = (
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
    (b"\xff\xff\xff\xff", "Arrow stream", "from_file"),
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
WIDE = (
    (b"\xff\xfe\x00\x00", "UTF-32LE"),
    (b"\x00\x00\xfe\xff", "UTF-32BE"),
    (b"\xff\xfe", "UTF-16LE"),
    (b"\xfe\xff", "UTF-16BE"),
)
_HTML = re.compile(rb"(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|head|body|script)\b")
_LFS = b"version https://git-lfs.github.com/spec/"
_ANNEX = re.compile(rb"\.?\.?[\w./-]*\.git/annex/objects/|/annex/objects/")


def refusal(head: bytes, size: int, name: str, path: str | Path | None = None) -> Finding | None:
    """Return why a file cannot be read as rows of text, or None.

    Parameters
    ----------
    head : bytes
        Its first bytes, some 64 KiB.
    size : int
        Of the whole file.
    name : str
        For the finding.
    path : str or Path, optional
        For the commands in hints; `name` by default.
    """
    base = PurePath(path if path is not None else name).name
    file = shlex.quote(base)
    if not size:
        return finding("data.empty_file", name)
    if head.startswith(b"PK\x03\x04") and (b"xl/" in head or base.lower().endswith(".xlsx")):
        return finding("data.spreadsheet", name)
    for magic, kind, command in _PACKED:
        if head.startswith(magic):
            return finding("data.compressed", name, kind=kind, command=command.format(file=file))
    for magic, kind, reader in _COLUMNAR:
        if head.startswith(magic):
            return finding("data.columnar", name, kind=kind, reader=reader, file=base)
    for magic, kind in _BINARY:
        if head.startswith(magic):
            return finding("data.binary_file", name, kind=kind)
    if encoding := wide_encoding(head):
        return finding("data.wide_encoding", name, encoding=encoding, file=file)
    text = head.removeprefix(BOM)
    if text.startswith(_LFS):
        return finding("data.pointer_file", name, tool="Git LFS", command="git lfs pull")
    if _ANNEX.match(text):
        return finding("data.pointer_file", name, tool="git-annex", command=f"git annex get {file}")
    if _HTML.match(text.lstrip()[:200].lower()):
        return finding("data.web_page", name)
    if b"\x00" in head[:16]:
        return finding("data.binary_file", name, kind="binary")
    if not text.strip() and len(head) >= size:
        return finding("data.blank_file", name)
    if b"\n" not in head and b"\r" in text.strip():
        return finding("data.cr_only", name)
    return None


def wide_encoding(head: bytes) -> str | None:
    """Return UTF-16 or UTF-32 with its byte order, by its mark or by NUL bytes; else None."""
    marked = next((encoding for mark, encoding in WIDE if head.startswith(mark)), None)
    return marked or unmarked_encoding(head)


def unmarked_encoding(head: bytes) -> str | None:
    """Recognise UTF-16 and UTF-32 without a mark by their NUL bytes beside ASCII."""
    sample = head[:4000]
    if len(sample) < 8:
        return None
    even, odd = sample[0::2], sample[1::2]
    if odd.count(0) > 0.4 * len(odd) and even.count(0) < 0.05 * len(even):
        return "UTF-16LE"
    if even.count(0) > 0.4 * len(even) and odd.count(0) < 0.05 * len(odd):
        return "UTF-16BE"
    for place, order in ((0, "LE"), (3, "BE")):
        signs = sample[place::4]
        if signs.count(0) < 0.05 * len(signs) and sample.count(0) > 0.7 * len(sample):
            return f"UTF-32{order}"
    return None


def recognise(head: bytes, path: str | Path, name: str) -> tuple[str, Finding | None]:
    """Return how the rows are written, by content first and by the file's ending second.

    Returns
    -------
    kind : {"jsonl", "json", "csv"}
        ``json`` is one array of objects, or objects spread over lines.
    problem : Finding or None
        When content and ending contradict each other, or an object is spread over lines.
    """
    ending = PurePath(path).suffix.lower()
    start = head.decode("utf-8-sig", "replace").lstrip(" \t\r\n")
    if start.startswith("[") and _is_array(start):
        if ending in TABLE_ENDINGS:
            return "json", finding("data.json_in_csv", name, ending=".json")
        if ending in JSONL_ENDINGS:
            return "json", finding("data.array_in_jsonl", name)
        return "json", None
    if start.startswith(("{", "[")):
        if ending in TABLE_ENDINGS:
            return "jsonl", finding("data.json_in_csv", name, ending=".jsonl")
        if start.startswith("{") and _is_pretty(start):
            return "json", finding("data.pretty_json", name)
        return "jsonl", None
    if ending in TABLE_ENDINGS:
        return "csv", None
    table = _looks_like_table(start)
    if ending in (*JSONL_ENDINGS, ".json"):
        return ("csv", finding("data.csv_in_jsonl", name)) if table else ("jsonl", None)
    lines = [line.lstrip() for line in start.split("\n")[:20]]
    return ("jsonl" if any(line.startswith(("{", "[")) for line in lines) else "csv"), None


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


def _looks_like_table(start: str) -> bool:
    lines = [line for line in start.split("\n")[:20] if line.strip()]
    while lines and lines[0].startswith("#"):
        lines = lines[1:]
    if not lines or any(line.lstrip().startswith(("{", "[")) for line in lines):
        return False
    return any(mark in lines[0] for mark in ",;\t|")
