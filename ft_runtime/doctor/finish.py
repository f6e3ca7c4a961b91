"""From the added-up parts of a file to its result: quantiles, fingerprint, labels, duplicates."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ft_runtime.data.places import listing
from ft_runtime.doctor.duplicates import find_duplicates
from ft_runtime.doctor.hashing import spread
from ft_runtime.doctor.head import Detection
from ft_runtime.doctor.part import Part, class_length
from ft_runtime.doctor.problems import is_error
from ft_runtime.doctor.result import FileScan, Quantiles
from ft_runtime.findings import finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHOWN = 10
KINDS = {"jsonl": "JSON Lines", "json": "JSON", "csv": "CSV", "tsv": "CSV"}
UNREADABLE = (
    "not_utf8", "nul_bytes", "bom_inside", "cut_line", "control_in_json", "invalid_json",
    "two_values", "python_literal", "too_deep", "not_an_object", "line_too_long", "ragged_row",
    "stray_quote", "unbalanced_quote",
)  # fmt: skip
"""Faults of what is no row at all; a row that can be read and is wrong says nothing of the file."""


def finish(result: FileScan, part: Part, found: Detection, duplicates: bool) -> None:
    """Fill in the result of a file that was read."""
    part.drop_tail()
    result.lines, result.rows = part.lines, part.rows
    result.broken, result.fine = part.broken, part.rows - part.broken
    result.log, result.marks = part.log, part.marks
    result.histogram = histogram(part.lengths)
    result.lengths = quantiles(result.histogram)
    used = set(result.columns.values()) | {"messages", "text", "label"}
    result.extras = sorted(part.extras - used)
    content, prompt = part.content.array, part.prompt.array
    result.fingerprint = fingerprint(content, result.fine)
    result.labels = _labels(part)
    add = result.findings.append
    # Line breaks inside the quotes of a table are its text, and end no record.
    ends = part.rows + part.tail if found.dialect else part.lines
    if 0 < part.crlf < ends - 1:
        add(finding("data.mixed_line_ends", result.path, crlf=part.crlf, lines=ends))
    if part.tail:
        add(finding("data.trailing_blank_lines", result.path, count=part.tail))
    if not result.rows:
        result.refused = True
        code = "header_only" if result.container in ("csv", "tsv") else "blank_file"
        add(finding(f"data.{code}", result.path))
    _judge(result)
    if result.extras and result.container == "jsonl":
        names = ", ".join(result.extras[:_SHOWN])
        add(finding("data.unused_columns", result.path, names=names))
    if duplicates:
        note_duplicates(result, part, content, prompt)
    _label_findings(result)
    bad = {line for code, kept in part.log.kept.items() if is_error(code) for line, _ in kept}
    result.preview = [{**row, "fine": row["line"] not in bad} for row in found.preview]


def _judge(result: FileScan) -> None:
    """Tell when most rows are broken: the file is something else, or has another format."""
    values: dict[str, Any] = {"bad": result.broken, "seen": result.rows}
    kept = [item for code in UNREADABLE for item in result.log.kept.get(code, ())]
    bad = sum(result.log.rows[code] for code in UNREADABLE)
    # Empty lines say nothing of what the file is.
    if bad * 2 > result.rows - result.log.rows["blank_line"]:
        values["seen"] -= result.log.rows["blank_line"]
        values |= {"bad": bad, "kind": KINDS.get(result.container, result.container)}
        values["lines"] = listing((str(line) for line, _ in sorted(kept, key=lambda i: i[0])), 5)
        code = unreadable_code(bad, result.log.rows["not_utf8"])
        result.findings.append(finding(code, result.path, **values))
    elif result.broken * 2 > result.rows:
        values["format"] = result.format
        result.findings.append(finding("data.mostly_broken", result.path, **values))


def unreadable_code(bad: int, undecoded: int) -> str:
    """Return what is told of a file of which most rows cannot be read."""
    return "data.other_encoding" if undecoded * 2 > bad else "data.mostly_unreadable"


def fingerprint(content: NDArray[Any], count: int) -> str:
    """Return a name for a set of rows, with repetitions, whatever their order."""
    import numpy as np

    one = two = 0
    for start in range(0, content.size, 1 << 16):
        rows = content[start : start + (1 << 16)]
        rows = rows[rows != 0]
        mixed = spread(rows)
        one += int(mixed.sum(dtype=np.uint64)) if rows.size else 0
        two += int(spread(~mixed).sum(dtype=np.uint64)) if rows.size else 0
    return f"{count:x}-{one % 2**64:016x}{two % 2**64:016x}"


def histogram(lengths: NDArray[Any] | None) -> dict[int, int]:
    """Return rows by length class, without the empty ones."""
    import numpy as np

    if lengths is None:
        return {}
    at = np.flatnonzero(lengths)
    return dict(zip(at.tolist(), lengths[at].tolist(), strict=True))


def quantiles(lengths: dict[int, int]) -> Quantiles:
    """Return quantiles (nearest rank) of lengths counted by class."""
    total = sum(lengths.values())
    if not total:
        return Quantiles()
    import numpy as np

    shares = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
    ranks = [max(1, -(-int(share * total * 100) // 100)) for share in shares]
    numbers = sorted(lengths)
    seen: Any = np.cumsum([lengths[number] for number in numbers])
    at: Any = np.searchsorted(seen, ranks)
    return Quantiles(*(class_length(numbers[i]) for i in at.tolist()))


def line_of(_result: FileScan, part: Part, row: int) -> int:
    """Return the physical line of a row, counted from 0."""
    if len(part.row_lines):
        return int(part.row_lines.array[row])
    return row + 1 + part.lines - part.rows - part.tail


def note_duplicates(result: FileScan, part: Part, content: Any, prompt: Any) -> None:
    """Look for repeated rows and prompts, and put them into the result."""
    found = find_duplicates(content, prompt)
    result.duplicates, result.conflicts = found.rows, found.prompts
    labelled = result.format == "csv_classification"
    conflicts = "label_conflicts" if labelled else "prompt_conflicts"
    for code, count, groups in (
        ("duplicate_rows", found.rows, found.groups),
        (conflicts, found.prompts, found.conflicts),
    ):
        if count:
            lines = "; ".join(
                " = ".join(str(line_of(result, part, row)) for row in group[:4])
                for group in groups[:3]
            )
            result.findings.append(finding(f"data.{code}", result.path, count=count, lines=lines))


def _labels(part: Part) -> dict[str, int]:
    import msgspec

    made: Counter[str] = Counter()
    for label, count in part.labels.items():
        try:
            made[msgspec.json.decode(b'"' + label + b'"', type=str)] += count
        except msgspec.DecodeError:  # pragma: no cover - labels are written by ourselves
            made[label.decode("utf-8", "replace")] += count
    return dict(sorted(made.items(), key=lambda item: (-item[1], item[0])))


def _label_findings(result: FileScan) -> None:
    labels, add, where = result.labels, result.findings.append, result.path
    if result.format != "csv_classification" or not labels:
        return
    if len(labels) == 1:
        label = next(iter(labels))
        add(finding("data.one_class", where, count=result.fine, label=repr(label)))
    folded: dict[str, list[str]] = {}
    for label in list(labels)[:10_000]:
        folded.setdefault(" ".join(label.casefold().split()), []).append(label)
    variants = [names for names in folded.values() if len(names) > 1]
    if variants:
        shown = "; ".join(" / ".join(map(repr, names[:4])) for names in variants[:_SHOWN])
        add(finding("data.label_variants", where, spellings=shown))
    spaced = [label for label in labels if label != label.strip()]
    if spaced:
        shown = ", ".join(map(repr, spaced[:_SHOWN]))
        add(finding("data.label_spaces", where, labels=shown))
    if result.fine >= 20 and len(labels) * 2 > result.fine:
        values = {"classes": len(labels), "count": result.fine}
        add(finding("data.labels_look_like_text", where, **values))
    elif all(_number(label) for label in labels):
        shown = ", ".join(list(labels)[:_SHOWN])
        add(finding("data.numeric_labels", where, labels=shown))


def _number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True
