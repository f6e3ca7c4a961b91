"""`fix`: a repaired copy of a JSON Lines or CSV file."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ft_runtime.doctor.cleaning.decode import BOM, Change, repair_line, wide_encoding, wide_lines
from ft_runtime.doctor.cleaning.fresh import FreshFile
from ft_runtime.doctor.cleaning.records import Piece, numbered, table_records
from ft_runtime.findings import FindingsError, finding, text

KINDS = ("encoding", "bom", "line_ends", "blank_lines", "duplicates", "label_spaces")
HEADER = ("line", "kind", "change")


@dataclass
class Fixed:
    """What a repair did.

    Attributes
    ----------
    path, changes : Path
        The copy, and the list of its changes.
    counts : dict of str to int
        Changes by kind, all kinds that were asked for.
    kept, dropped : int
        Records in the copy (a table's header is none), and blank or repeated ones left out.
    """

    path: Path
    changes: Path
    counts: dict[str, int] = field(default_factory=dict)
    kept: int = 0
    dropped: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return {**vars(self), "path": str(self.path), "changes": str(self.changes)}

    def __repr__(self) -> str:
        told = ", ".join(f"{kind} {count}" for kind, count in self.counts.items() if count)
        return text(
            "doctor_report.fixed",
            path=self.path,
            kept=self.kept,
            dropped=self.dropped,
            told=told or text("doctor_report.nothing"),
            changes=self.changes,
        )


def fix(
    source: str | Path,
    target: str | Path,
    kinds: Collection[str] = KINDS,
    *,
    kind: str = "jsonl",
    label: str = "label",
    delimiter: str = ",",
    labelled: bool = False,
) -> Fixed:
    """Write a repaired copy, and ``<target>.changes.csv`` with a line for every change.

    What cannot be repaired without a guess (a cut line, a missing answer) is copied as it stands,
    and so is a line that is too long to be held in memory.

    Parameters
    ----------
    source : path
        A regular file; only read.
    target : path
        Must not exist, nor its list of changes.
    kinds : collection of str
        Of `KINDS`: what to repair.
    kind : {"jsonl", "csv"}
    label : str
        Column of the labels, by its name in the file.
    delimiter : str
        Of a table.
    labelled : bool
        Rows have labels; else ``label_spaces`` does nothing.

    Raises
    ------
    FindingsError
        ``doctor_report.unknown_kind``, ``would_overwrite``, ``cannot_write``.
    """
    if unknown := sorted(set(kinds) - set(KINDS)):
        known = ", ".join(KINDS)
        raise FindingsError(
            [finding("doctor_report.unknown_kind", "--fix-kinds", got=unknown[0], known=known)]
        )
    listed = Path(f"{target}.changes.csv")
    result = Fixed(Path(target), listed, dict.fromkeys(kinds, 0))
    with (
        open(source, "rb") as stream,
        FreshFile(target) as out,
        FreshFile(listed) as changes,
        io.TextIOWrapper(changes.stream, encoding="utf-8", newline="", write_through=True) as told,
    ):
        write = csv.writer(told).writerow
        write(HEADER)
        repair = _Repair(set(kinds), label if labelled else "", kind == "csv", delimiter)
        for raw, found in repair.run(stream):
            for change in found:
                result.counts[change[1]] += 1
                write(change)
            if raw is None:
                result.dropped += 1
            else:
                out.stream.write(raw)
                result.kept += raw.first if isinstance(raw, Piece) else 1
        result.kept -= kind == "csv" and result.kept > 0
        told.flush()
        out.finish()
        changes.keep()
        out.keep()
    return result


class _Repair:
    """The repairs of one file, record after record."""

    def __init__(self, kinds: set[str], label: str, table: bool, delimiter: str) -> None:
        self._kinds = kinds
        self._label = label
        self._table = table
        self._delimiter = delimiter
        self._column: int | None = None
        self._seen: dict[bytes, int] = {}
        self._notes: dict[int, list[Change]] = {}
        name = re.escape(json.dumps(label, ensure_ascii=False).encode("utf-8"))
        self._pattern = re.compile(rb"(" + name + rb'\s*:\s*)("(?:[^"\\]|\\.)*")')

    def run(self, stream: BinaryIO) -> Iterator[tuple[bytes | None, list[Change]]]:
        """Yield each record as it is to be written, None for one that is left out, with changes."""
        records: Iterable[tuple[int, bytes]] = self._lines(stream)
        if self._table:
            records = table_records(records)
        first = self._table
        for line, raw in records:
            notes = self._notes.pop(line, [])
            if isinstance(raw, Piece):
                yield raw, notes
                continue
            for inner in range(line + 1, line + raw.count(b"\n")):
                notes += self._notes.pop(inner, [])
            if not raw.strip(b" \t\r\n"):
                if "blank_lines" in self._kinds:
                    yield None, [(line, "blank_lines", "left out")]
                    continue
                yield raw, notes
                continue
            if first:
                first = False
                self._header(raw)
                yield raw, notes
                continue
            yield self._record(line, raw, notes)

    def _lines(self, stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
        """Yield lines that are text; what was done to them is noted."""
        wide = wide_encoding(stream) if "encoding" in self._kinds else ""
        if wide:
            self._note(1, "encoding", f"the whole file, from {wide}")
            for line, (raw, lost) in enumerate(wide_lines(stream, wide), 1):
                if lost:
                    self._note(line, "encoding", "characters that cannot be read became U+FFFD")
                yield line, self._line(line, raw)
            return
        for line, raw in numbered(stream):
            yield line, raw if isinstance(raw, Piece) else self._line(line, raw)

    def _line(self, line: int, raw: bytes) -> bytes:
        if raw.startswith(BOM) and "bom" in self._kinds:
            raw = raw.removeprefix(BOM)
            self._note(line, "bom", "byte order mark removed")
        if "encoding" in self._kinds:
            raw, found = repair_line(raw, line)
            self._notes.setdefault(line, []).extend(found)
        if raw.endswith(b"\r\n") and "line_ends" in self._kinds:
            raw = raw[:-2] + b"\n"
            self._note(line, "line_ends", "CR LF became LF")
        return raw

    def _note(self, line: int, kind: str, what: str) -> None:
        self._notes.setdefault(line, []).append((line, kind, what))

    def _header(self, raw: bytes) -> None:
        cells = self._cells(raw)
        if self._label and cells and self._label in cells:
            self._column = cells.index(self._label)

    def _record(
        self, line: int, raw: bytes, notes: list[Change]
    ) -> tuple[bytes | None, list[Change]]:
        if "label_spaces" in self._kinds and self._label:
            stripped, change = self._table_label(raw) if self._table else self._json_label(raw)
            if change:
                raw = stripped
                notes = [*notes, (line, "label_spaces", change)]
        if "duplicates" in self._kinds:
            key = self._key(raw)
            before = self._seen.setdefault(key, line) if key else line
            if before != line:
                return None, [(line, "duplicates", f"the same as line {before}; left out")]
        return raw, notes

    def _json_label(self, raw: bytes) -> tuple[bytes, str]:
        match = self._pattern.search(raw)
        if not match:
            return raw, ""
        try:
            label, row = json.loads(match[2]), json.loads(raw)
        except (ValueError, RecursionError):
            return raw, ""
        if not isinstance(row, dict) or row.get(self._label) != label or label == label.strip():
            return raw, ""
        clean = json.dumps(label.strip(), ensure_ascii=False).encode("utf-8", "surrogatepass")
        made = raw[: match.start(2)] + clean + raw[match.end(2) :]
        # The pattern may have met the same text inside another value.
        if json.loads(made) != {**row, self._label: label.strip()}:
            return raw, ""
        return made, f"{label!r} became {label.strip()!r}"

    def _table_label(self, raw: bytes) -> tuple[bytes, str]:
        cells = self._cells(raw)
        if self._column is None or self._column >= len(cells):
            return raw, ""
        label = cells[self._column]
        if label == label.strip():
            return raw, ""
        cells[self._column] = label.strip()
        end = "\r\n" if raw.endswith(b"\r\n") else "\n" if raw.endswith(b"\n") else ""
        made = io.StringIO(newline="")
        csv.writer(made, delimiter=self._delimiter, lineterminator=end).writerow(cells)
        return made.getvalue().encode("utf-8"), f"{label!r} became {label.strip()!r}"

    def _cells(self, raw: bytes) -> list[str]:
        csv.field_size_limit(max(len(raw), csv.field_size_limit()))
        try:
            source = io.StringIO(raw.removeprefix(BOM).decode("utf-8"), newline="")
            return next(csv.reader(source, delimiter=self._delimiter, strict=True), [])
        except (csv.Error, UnicodeDecodeError):
            return []

    def _key(self, raw: bytes) -> bytes:
        """Return 16 bytes that equal rows have in common; none for a row that cannot be read."""
        if self._table:
            cells = self._cells(raw)
            if not cells:
                return b""
            plain = json.dumps(cells).encode("ascii")
        else:
            try:
                plain = json.dumps(json.loads(raw), sort_keys=True).encode("ascii")
            except (ValueError, RecursionError):
                return b""
        return hashlib.blake2b(plain, digest_size=16).digest()
