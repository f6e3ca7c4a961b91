"""Parquet, Arrow and datasets in memory as JSON Lines, a batch of rows at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ft_runtime.data.classes import class_name
from ft_runtime.findings import FindingsError, finding

_BATCH = 1000


def write_file(path: Path, kind: str, out: BinaryIO, name: str, most: int | None = None) -> bool:
    """Write the rows of a Parquet or Arrow file, at most about `most` bytes of them.

    Returns
    -------
    bool
        Whether these are all.

    Raises
    ------
    FindingsError
        pyarrow is missing, or the file is damaged.
    """
    try:
        import pyarrow
    except ImportError:
        raise FindingsError([finding("data.no_pyarrow", name, kind=kind)]) from None
    try:
        schema, batches = _open(path, kind)
        names = _class_names(schema)
        return _write(_rows(batches), names, out, name, most)
    except (pyarrow.ArrowException, UnicodeError, OSError) as error:
        # pyarrow tells of a file that ends early by an OSError, as a full disk is told: by number.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        problem = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise FindingsError(
            [finding("data.broken_columnar", name, kind=kind, problem=problem)]
        ) from None


def write_dataset(data: Any, out: BinaryIO, name: str) -> None:
    """Write the rows of a `datasets` object: a Dataset, or rows as mappings.

    Raises
    ------
    FindingsError
        It is no dataset, or one of several splits: pass one of them.
    """
    if isinstance(data, Mapping):
        splits = ", ".join(map(str, data))
        raise FindingsError([finding("data.several_splits", name, splits=splits)])
    if not isinstance(data, Iterable):
        got = type(data).__name__
        raise FindingsError([finding("data.not_a_source", name, got=got)])
    names = {}
    for column, feature in (getattr(data, "features", None) or {}).items():
        if type(feature).__name__ == "ClassLabel":
            names[column] = list(feature.names)
    _write(data, names, out, name)


def _open(path: Path, kind: str) -> tuple[Any, Iterator[Any]]:
    if kind == "parquet":
        from pyarrow import parquet

        file = parquet.ParquetFile(path, memory_map=False)
        return file.schema_arrow, file.iter_batches(_BATCH)
    import pyarrow

    source = pyarrow.OSFile(str(path))
    try:
        whole = pyarrow.ipc.open_file(source)
    except pyarrow.ArrowInvalid:
        source.seek(0)
        stream = pyarrow.ipc.open_stream(source)
        return stream.schema, iter(stream)
    return whole.schema, (whole.get_batch(i) for i in range(whole.num_record_batches))


def _rows(batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        # Offsets that lead out of a damaged batch would end the process, not raise.
        batch.validate(full=True)
        yield from batch.to_pylist()


def _class_names(schema: Any) -> dict[str, list[str]]:
    """Return the names of classes that the datasets library noted in the file."""
    raw = (schema.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(raw)["info"]["features"] if raw else {}
        return {
            column: list(feature["names"])
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError):
        return {}


def _write(
    rows: Iterable[Any],
    names: Mapping[str, list[str]],
    out: BinaryIO,
    source: str,
    most: int | None = None,
) -> bool:
    count = 0
    for row in rows:
        if most is not None and out.tell() >= most:
            return False
        count += 1
        if names and isinstance(row, Mapping):
            row = dict(row)
            for column, labels in names.items():
                if column in row:
                    row[column] = class_name(row[column], labels)
        text = json.dumps(_listed(row), ensure_ascii=True, default=repr)
        out.write(text.encode("ascii") + b"\n")
    if not count:
        raise FindingsError([finding("data.blank_file", source)])
    return True


def _listed(value: Any) -> Any:
    """Leave out what a table adds: keys of a struct that a row does not have are null there."""
    if isinstance(value, Mapping):
        return {str(key): _listed(item) for key, item in value.items()}
    if isinstance(value, list):
        # In a list of structs every struct has the keys of all.
        return [
            {
                key: _listed(part)
                for key, part in item.items()
                if part is not None or key in ("role", "content")
            }
            if isinstance(item, Mapping)
            else _listed(item)
            for item in value
        ]
    return value
