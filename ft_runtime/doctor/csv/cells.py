"""The check of the cells of a block: text and label of every record with the right width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ft_runtime.doctor import hashing
from ft_runtime.doctor.blank import is_blank, unsure_spans
from ft_runtime.doctor.csv.split import Records
from ft_runtime.doctor.csv.table import Table
from ft_runtime.doctor.jsonl.escapes import json_bytes
from ft_runtime.doctor.jsonl.signs import wide_spans
from ft_runtime.doctor.jsonl.words import load
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import Problem
from ft_runtime.doctor.utf8 import characters

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ODD = 0x9E3779B97F4A7C15


def check_cells(
    block: bytes,
    spans: list[tuple[Any, Any]],
    good: NDArray[Any],
    lines: NDArray[Any],
    found: Records,
    table: Table,
    part: Part,
    fine: NDArray[Any],
    content: NDArray[Any],
    prompt: NDArray[Any],
    odd: dict[int, list[Problem]],
) -> NDArray[Any]:
    """Check text and label of the records with the right number of cells; return lengths.

    `odd` has what is wrong with other cells, by record.
    """
    import numpy as np

    data = np.frombuffer(block, np.uint8)
    (text_at, text_to), (label_at, label_to) = (_unquoted(data, *span) for span in spans)
    name, label_name = table.names
    digests, chars = _texts(block, text_at, text_to, found.doubled, name, odd)
    numbers, inverse, values = _labels(block, label_at, label_to)
    for k, (_, problem) in enumerate(values):
        if problem:
            for i in np.flatnonzero(inverse == k).tolist():
                odd.setdefault(i, []).append(Problem(problem[0], label_name, problem[1]))
    for i in sorted(odd):
        fine[good[i]] = False
        # What is no UTF-8 is not judged as text.
        unread = [problem for problem in odd[i] if problem.code == "not_utf8"]
        part.log.add(int(lines[good[i]]), unread or odd[i])
    cells = [(name, text_at, text_to), (label_name, label_at, label_to)]
    for i, problems in sorted(_controls(block, found, cells, odd).items()):
        part.log.add(int(lines[good[i]]), problems)
    sound = fine[good]
    counts = np.bincount(inverse, weights=sound, minlength=len(values))
    for (value, _), count in zip(values, counts.tolist(), strict=True):
        if count:
            part.labels[value] += int(count)
    zero = np.zeros(good.size, np.int64)
    text_terms = hashing.terms(digests, zero + 8, zero)
    prompt[good] = text_terms * sound
    content[good] = (text_terms + hashing.terms(numbers[inverse], zero + 9, zero)) * sound
    return chars


def _controls(
    block: bytes,
    found: Records,
    cells: list[tuple[str, NDArray[Any], NDArray[Any]]],
    odd: dict[int, list[Problem]],
) -> dict[int, list[Problem]]:
    """Return the control characters in cells with which nothing else is wrong, by record."""
    import numpy as np

    first, last = int(found.starts[0]), int(found.ends[-1])
    data = np.frombuffer(block, np.uint8, count=last)[first:]
    low: Any = np.flatnonzero(data < 32)
    kinds = data.take(low)
    low = low[(kinds != 10) & (kinds != 13) & (kinds != 9)] + first
    made: dict[int, list[Problem]] = {}
    for name, begin, until in cells if low.size else ():
        at: Any = np.searchsorted(begin, low, side="right") - 1
        inside = (at >= 0) & (low < until.take(np.maximum(at, 0)))
        rows, where = np.unique(at[inside], return_index=True)
        for i, place in zip(rows.tolist(), low[inside][where].tolist(), strict=True):
            told = odd.get(i, ())
            if not any(problem.code == "not_utf8" or problem.path == name for problem in told):
                values = {"example": repr(chr(block[place]))}
                made.setdefault(i, []).append(Problem("control_characters", name, values))
    return made


def _unquoted(data: NDArray[Any], begin: NDArray[Any], until: NDArray[Any]) -> tuple[Any, Any]:
    quoted = (data.take(begin) == 34) & (until > begin + 1)
    return begin + quoted, until - quoted


def _texts(
    block: bytes,
    begin: NDArray[Any],
    until: NDArray[Any],
    doubled: NDArray[Any],
    name: str,
    odd: dict[int, list[Problem]],
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return digests and lengths of the texts; note those that are blank or not UTF-8.

    A digest is that of the text as it stands in the file: a quote in it can be written in one
    way alone, doubled.
    """
    import numpy as np

    first, last = begin.tolist(), until.tolist()
    spans = [block[a:b] for a, b in zip(first, last, strict=True)]
    digests = hashing.digests(spans)
    chars = until - begin
    if doubled.size:
        at: Any = np.searchsorted(begin, doubled, side="right") - 1
        at = at[(at >= 0) & (doubled < until[np.maximum(at, 0)])]
        chars -= np.bincount(at, minlength=chars.size)
    at = np.flatnonzero(wide_spans(block, begin, until))
    sizes = characters([spans[i] for i in at.tolist()], (until - begin).take(at))
    for i in at[sizes < 0].tolist():
        byte = wrong_byte(spans[i])
        odd.setdefault(i, []).append(Problem("not_utf8", name, {"byte": byte}))
    chars[at] += sizes - (until[at] - begin[at])
    unsure = unsure_spans(block, begin) & (_bytes(block).take(begin) != 92)
    for i in np.flatnonzero(unsure | (until <= begin)).tolist():
        text = spans[i].decode("utf-8", "replace")
        if is_blank(text):
            odd.setdefault(i, []).append(Problem("empty_field", name, {"length": len(text)}))
    return digests, chars


def wrong_byte(text: bytes) -> str:
    """Return the first byte that is not UTF-8, or an empty text."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"0x{text[error.start]:02x}"
    return ""


def _bytes(block: bytes) -> NDArray[Any]:
    """Return a block as an array."""
    import numpy as np

    return np.frombuffer(block, np.uint8)


def _labels(block: bytes, begin: NDArray[Any], until: NDArray[Any]) -> tuple[Any, Any, list[Any]]:
    """Return digest, canonical form and problem of each different label, and which row has it.

    Labels of up to 16 bytes are told apart by 64 bits made of their first and last eight.
    """
    import numpy as np
    from xxhash import xxh3_64_intdigest

    size = until - begin
    if size.max(initial=0) <= 16:
        short = np.minimum(size, 8)
        mixed = load(block, begin, short) + load(block, until - short, short) * np.uint64(_ODD)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(_ODD) + size.astype(np.uint64)
        _, where, inverse = np.unique(mixed, return_index=True, return_inverse=True)
        made = [
            block[a:b] for a, b in zip(begin[where].tolist(), until[where].tolist(), strict=True)
        ]
    else:
        known: dict[bytes, int] = {}
        spans = zip(begin.tolist(), until.tolist(), strict=True)
        inverse = np.array([known.setdefault(block[a:b], len(known)) for a, b in spans])
        made = list(known)
    values = [_label(label) for label in made]
    numbers = np.array([xxh3_64_intdigest(value) for value, _ in values], np.uint64)
    return numbers, inverse, values


def _label(label: bytes) -> tuple[bytes, tuple[str, dict[str, Any]] | None]:
    """Return a label's canonical form, or what is wrong with it."""
    try:
        text = label.replace(b'""', b'"').decode("utf-8")
    except UnicodeDecodeError as error:
        return b"", ("not_utf8", {"byte": f"0x{label[error.start]:02x}"})
    if is_blank(text):
        return b"", ("empty_field", {"length": len(text)})
    return json_bytes()(text)[1:-1], None


def holds(block: bytes, begin: NDArray[Any], until: NDArray[Any], sign: int) -> NDArray[Any]:
    """Return which spans hold a byte."""
    import numpy as np

    places = np.flatnonzero(np.frombuffer(block, np.uint8) == sign)
    return np.searchsorted(places, until) > np.searchsorted(places, begin)
