"""The version record of a dataset: ``datasets.json`` beside ``datasets.npz`` in a run folder."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.finish import fingerprint
from ft_runtime.files import sha256_bytes, write_bytes_atomic, write_text_atomic
from ft_runtime.findings import FindingsError, finding
from ft_runtime.printing import reason_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ft_runtime.doctor.survey import Survey

FILE, ROWS = "datasets.json", "datasets.npz"
_FORMAT, _VERSION = "ft-datasets", 1
_LARGEST = 2 << 30


@dataclass
class Record:
    """What identifies a dataset, and its rows one by one.

    Attributes
    ----------
    fingerprint : str
        Of all usable rows as a set: the same for any order of rows and any white space of JSON.
    format : str or None
    rows, fine : int
    sources : list of dict
        ``name``, ``split``, ``sha256``, ``bytes``, ``rows``, ``fine``, ``fingerprint``.
    content, prompt : ndarray of uint64
        Of the usable rows, in the order of the sources; see `ft_runtime.doctor.hashing`.
    line : ndarray of int64
    file : ndarray of int64
        Index into `sources`.
    """

    fingerprint: str
    format: str | None
    rows: int
    fine: int
    sources: list[dict[str, Any]]
    content: NDArray[Any] = field(repr=False)
    prompt: NDArray[Any] = field(repr=False)
    line: NDArray[Any] = field(repr=False)
    file: NDArray[Any] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the record without its rows, for JSON."""
        plain = {
            name: value
            for name, value in vars(self).items()
            if name not in ("content", "prompt", "line", "file")
        }
        return {"format_version": _VERSION, "kind": _FORMAT, **plain}

    def place(self, row: int) -> str:
        """Return source and line of a usable row."""
        return f"{self.sources[int(self.file[row])]['name']}:{int(self.line[row])}"


def record(found: Survey) -> Record:
    """Return the version record of a dataset that was surveyed."""
    members = found.members()
    scans = [each.scan for each in found.files]
    sources = [
        {
            "name": scan.path,
            "split": scan.split,
            "sha256": scan.sha256,
            "bytes": scan.bytes,
            "rows": scan.rows,
            "fine": scan.fine,
            "fingerprint": scan.fingerprint,
        }
        for scan in scans
    ]
    return Record(
        fingerprint(members.content, len(members)),
        found.format,
        sum(scan.rows for scan in scans),
        len(members),
        sources,
        members.content,
        members.prompt,
        members.line,
        members.file,
    )


def write_record(folder: str | Path, made: Record) -> Path:
    """Write the record into a run folder; the rows first, so that the JSON never names a lie.

    Raises
    ------
    FindingsError
        ``doctor_report.cannot_write``.
    """
    import numpy as np

    stream = io.BytesIO()
    arrays = {name: getattr(made, name) for name in ("content", "prompt", "line")}
    np.savez(stream, source=made.file, **arrays)
    target = Path(folder) / FILE
    document = {**made.to_dict(), "rows_file": ROWS, "rows_sha256": sha256_bytes(stream.getvalue())}
    try:
        write_bytes_atomic(Path(folder) / ROWS, stream.getvalue())
        write_text_atomic(target, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    except (OSError, ValueError) as error:  # the latter: a name that no file can have
        reason = reason_of(error)
        raise FindingsError(
            [finding("doctor_report.cannot_write", str(target), reason=reason)]
        ) from None
    return target


def read_record(path: str | Path) -> Record:
    """Read the record of a run folder, or a record by its own path.

    Raises
    ------
    FindingsError
        ``doctor_report.no_record``: none there, or its two files do not belong together.
    """
    import numpy as np

    target = Path(path)
    if target.is_dir():
        target = target / FILE
    try:
        document = json.loads(target.read_text(encoding="utf-8"))
        raw_path = target.with_name(ROWS)
        if raw_path.stat().st_size > _LARGEST:
            raise ValueError("too large")
        raw = raw_path.read_bytes()
        if document["kind"] != _FORMAT or sha256_bytes(raw) != document["rows_sha256"]:
            raise ValueError("the rows belong to another record")
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            rows = {name: arrays[name] for name in ("content", "prompt", "line")}
            source = arrays["source"]
        fields = {
            name: document[name] for name in ("fingerprint", "format", "rows", "fine", "sources")
        }
        return Record(**fields, **rows, file=source)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error) or type(error).__name__
        raise FindingsError(
            [finding("doctor_report.no_record", str(path), reason=reason)]
        ) from None


__all__ = ["FILE", "ROWS", "Record", "read_record", "record", "write_record"]
