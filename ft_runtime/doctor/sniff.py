"""What a file is, from its first bytes: a text to be read, or something to be refused by name."""

from __future__ import annotations

import re
from pathlib import Path

from ft_runtime.findings import Finding, finding

_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "gzip", "packed"),
    (b"\x28\xb5\x2f\xfd", "zstd", "packed"),
    (b"BZh", "bzip2", "packed"),
    (b"\xfd7zXZ\x00", "xz", "packed"),
    (b"PK\x03\x04", "zip", "packed"),
    (b"PAR1", "Parquet", "columnar"),
    (b"ARROW1", "Arrow", "columnar"),
    (b"\xff\xff\xff\xff", "Arrow stream", "columnar"),
    (b"SQLite format 3\x00", "SQLite", "columnar"),
    (b"%PDF", "PDF", "binary_file"),
    (b"\x89HDF", "HDF5", "binary_file"),
    (b"\x80\x04\x95", "pickle", "binary_file"),
)
WIDE = (
    (b"\xff\xfe\x00\x00", "UTF-32LE"),
    (b"\x00\x00\xfe\xff", "UTF-32BE"),
    (b"\xff\xfe", "UTF-16LE"),
    (b"\xfe\xff", "UTF-16BE"),
)
BOM = b"\xef\xbb\xbf"
_HTML = re.compile(rb"\s*<(?:!doctype html|html|head|body|script|\?xml)", re.IGNORECASE)
_LFS = b"version https://git-lfs.github.com/spec/"


def refusal(head: bytes, size: int, name: str) -> Finding | None:
    """Return why a file cannot be read as rows of text, or None.

    Parameters
    ----------
    head : bytes
        Its first bytes, some 64 KiB.
    size : int
        Of the whole file.
    name : str
        For the finding.
    """
    if not size:
        return finding("doctor.empty_file", name)
    for magic, kind, code in _MAGIC:
        if head.startswith(magic):
            if kind == "zip" and b"xl/" in head[:4096]:
                kind = "Excel workbook"
            return finding(f"doctor.{code}", name, kind=kind)
    for mark, encoding in WIDE:
        if head.startswith(mark):
            return finding("doctor.wide_encoding", name, encoding=encoding)
    if unmarked := unmarked_encoding(head):
        return finding("doctor.wide_encoding", name, encoding=unmarked)
    text = head.removeprefix(BOM)
    if text.startswith(_LFS):
        return finding("doctor.pointer_file", name)
    if _HTML.match(text):
        return finding("doctor.web_page", name)
    if not text.strip() and len(head) >= size:
        return finding("doctor.blank_file", name)
    if b"\n" not in head and b"\r" in head.rstrip(b"\r\n \0") and head.count(b"\r") > 1:
        return finding("doctor.cr_only", name)
    return None


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
    if sample.count(0) > 0.7 * len(sample) and sample.strip(b"\0"):
        return "UTF-32"
    return None


def container(head: bytes, path: str | Path) -> str:
    """Return ``jsonl``, ``json`` (an array or one pretty-printed value), ``csv`` or ``tsv``."""
    text = head.removeprefix(BOM).lstrip()
    suffix = Path(path).suffix.lower()
    if text.startswith(b"["):
        return "json" if suffix != ".csv" or re.match(rb"\[\s*[{\]\"\d]", text) else "csv"
    if text.startswith(b"{"):
        first = text.split(b"\n", 1)[0].strip()
        if first == b"{" or (not first.endswith(b"}") and re.match(rb'\{\s*"[^"]*"\s*:?', first)):
            return "json" if _pretty(text) else "jsonl"
        return "jsonl"
    if suffix in (".jsonl", ".ndjson", ".json"):
        return "csv" if _is_table(text) else "jsonl"
    return "tsv" if suffix == ".tsv" else "csv"


def _pretty(text: bytes) -> bool:
    """Whether an object is spread over lines: few of the first lines are objects of their own."""
    lines = [line.strip() for line in text.split(b"\n")[:40] if line.strip()]
    whole = sum(line.startswith(b"{") and line.endswith(b"}") and len(line) > 2 for line in lines)
    return (
        len(lines) > 2 and whole < len(lines) / 3 and lines[1][:1] in (b'"', b"{", b"[", b"}", b"]")
    )


def _is_table(text: bytes) -> bool:
    lines = [line for line in text.split(b"\n")[:20] if line.strip()]
    if len(lines) < 2 or any(line.lstrip()[:1] in (b"{", b"[", b"/", b"'") for line in lines[:5]):
        return False
    commas = [line.count(b",") for line in lines[:5]]
    header = re.fullmatch(rb"[\w \"-]+(?:[,;\t][\w \"-]+)+\r?", lines[0])
    return bool(header) and min(commas) > 0
