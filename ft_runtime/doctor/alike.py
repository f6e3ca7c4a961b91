"""Near duplicates among surveyed rows: which rows say nearly the same, in a file and across splits.

An option (``near`` among the checks): it reads the texts a second time, and takes 512 bytes a row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.cleaning.records import numbered
from ft_runtime.doctor.near import near_roots
from ft_runtime.findings import Finding, finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ft_runtime.doctor.survey import Survey, Surveyed

GROUPS, PLACES, SHOWN = 20, 10, 3
_FRAME = ("system", "developer")
_COLUMNS = {
    "jsonl_instr": ("instruction", "input", "output"),
    "jsonl_prompt": ("prompt", "completion"),
    "csv_classification": ("text",),
}


@dataclass
class NearReport:
    """Rows that nearly repeat another; exact repetitions are not counted here.

    Attributes
    ----------
    rows : int
        Rows that are near an earlier, different row.
    across : int
        Held-out rows that are near a training row, of data that came split.
    groups : list of list of str
        Places of the rows of the first groups, at most 10 each.
    seconds : float
    """

    rows: int = 0
    across: int = 0
    groups: list[list[str]] = field(default_factory=list)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return {**vars(self), "seconds": round(self.seconds, 3)}


def find_alike(found: Survey) -> NearReport:
    """Compare the fine rows of all files by what they say, and note the groups in the survey.

    What frames a row and is often the same for all (system messages, labels) is left out.
    """
    import time

    import numpy as np

    begun = time.perf_counter()
    members = found.members()
    _, first, same = np.unique(members.content, return_index=True, return_inverse=True)
    once: NDArray[Any] = np.sort(first)  # equal rows are one
    texts = _chosen((text for each in found.files for text in row_texts(each)), once)
    near: Any = near_roots(texts)
    # From the places among the distinct rows to those among all.
    group: NDArray[Any] = np.zeros(len(members), np.int64)
    group[once] = once[near]
    group = group[first[same.reshape(-1)]]
    report = NearReport(int(np.count_nonzero(near != np.arange(near.size))))
    _name_groups(report, found, members, once, near)
    if members.given is not None:
        train, held = members.given == 0, members.given > 0
        close = held & np.isin(group, group[train])
        close &= ~np.isin(members.content, members.content[train])
        report.across = int(np.count_nonzero(close))
    report.seconds = time.perf_counter() - begun
    found.near = group
    return report


def findings_of(report: NearReport, where: str) -> list[Finding]:
    """Return what is to be told about near duplicates."""
    if not report.rows:
        return []
    # Of a single file its lines are enough.
    short = [[place.removeprefix(f"{where}:") for place in g[:3]] for g in report.groups[:SHOWN]]
    shown = "; ".join(" ~ ".join(places) for places in short)
    return [finding("data.near_duplicates", where, count=report.rows, shown=shown)]


def _name_groups(
    report: NearReport, found: Survey, members: Any, once: NDArray[Any], near: NDArray[Any]
) -> None:
    import numpy as np

    order = np.argsort(near, kind="stable")
    bounds = np.flatnonzero(np.diff(near[order], prepend=-1))
    sizes = np.diff(bounds, append=order.size)
    names = [each.plain for each in found.files]
    for at in np.flatnonzero(sizes > 1)[:GROUPS].tolist():
        rows = once[order[bounds[at] : bounds[at] + min(int(sizes[at]), PLACES)]]
        report.groups.append(
            [_place(names[members.file[row]], int(members.line[row])) for row in rows.tolist()]
        )


def _place(plain: Any, line: int) -> str:
    return f"{plain.source} row {line}" if plain.rows_only else f"{plain.source}:{line}"


def _chosen(texts: Iterator[bytes], at: NDArray[Any]) -> Iterator[bytes]:
    """Yield the texts at these places, in ascending order."""
    places = iter(at.tolist())
    wanted = next(places, -1)
    for number, text in enumerate(texts):
        if number == wanted:
            yield text
            wanted = next(places, -1)


def row_texts(each: Surveyed) -> Iterator[bytes]:
    """Yield what each fine row of a file says, as UTF-8, in order."""
    lines = each.fine_lines(copy=each.plain.rewritten).tolist()
    table = not each.plain.rewritten and each.scan.container.endswith(("csv", "tsv"))
    wanted = iter(lines)
    line = next(wanted, None)
    with open(each.plain.path, "rb") as stream:
        records = each.records(numbered(stream)) if table else numbered(stream)
        say = _cells(each) if table else _values(each)
        for number, raw in records:
            if number == line:
                yield say(raw)
                line = next(wanted, None)
                if line is None:
                    return


def _values(each: Surveyed) -> Any:
    import msgspec

    decode = msgspec.json.Decoder().decode
    columns = each.scan.columns
    if each.scan.format == "jsonl_chat":
        name = columns.get("messages", "messages")

        def talk(raw: bytes) -> bytes:
            return " ".join(_said(decode(raw.removeprefix(b"\xef\xbb\xbf"))[name])).encode("utf-8")

        return talk
    names = [columns.get(name, name) for name in _COLUMNS[each.scan.format or ""]]

    def tell(raw: bytes) -> bytes:
        row = decode(raw.removeprefix(b"\xef\xbb\xbf"))
        return " ".join(str(row.get(name) or "") for name in names).encode("utf-8")

    return tell


def _said(messages: Any) -> Iterator[str]:
    for message in messages:
        if message.get("role", message.get("from")) in _FRAME:
            continue
        content = message.get("content", message.get("value"))
        if isinstance(content, str):
            yield content
        elif isinstance(content, list):
            yield from (str(part.get("text", "")) for part in content if isinstance(part, dict))


def _cells(each: Surveyed) -> Any:
    from ft_runtime.doctor.head import detect

    dialect = detect(each.plain.path, each.scan.columns).dialect
    assert dialect is not None
    assert dialect.table is not None
    column, delimiter = dialect.table.text, dialect.delimiter

    def tell(raw: bytes) -> bytes:
        text = raw.decode("utf-8")
        csv.field_size_limit(max(len(text), csv.field_size_limit()))
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        return cells[column].encode("utf-8")

    return tell
