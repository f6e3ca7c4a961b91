"""What is known of a part of a file; parts are added up in the order of the file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.numbers import Numbers
from ft_runtime.doctor.problems import Log

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Lengths are counted exactly up to here, and in steps of 1/64 of a power of two above.
EXACT = 1 << 14
_STEPS = 64
# Up to 2^44 characters.
CLASSES = EXACT + 30 * _STEPS + 1


@dataclass
class Part:
    """The result of scanning a byte range.

    Attributes
    ----------
    start, stop : int
        The range covered: whole records.
    lines : int
        Physical lines.
    rows : int
        Rows, readable or not. ``fine + broken == rows``.
    broken : int
    log : Log
        Problems, with lines counted from the beginning of the part.
    labels : Counter of bytes
    lengths : ndarray of int or None
        Rows by length class (see `length_classes`).
    content, prompt : Numbers
        Numbers of the rows, 0 for a broken one.
    row_lines : Numbers
        Physical lines of the rows, where these are not one for each row.
    total : int
        Bytes of the range, for a guess at the number of rows.
    tail : int
        How many of the last lines are empty: when the file ends there, they are no rows.
    marks : Log
        Secrets, personal data and other things found in the text.
    unfit : ndarray of int or None
        Once `leave_out` has taken them away: which rows are broken, in ascending order.
    """

    start: int = 0
    stop: int = 0
    lines: int = 0
    rows: int = 0
    broken: int = 0
    log: Log = field(default_factory=Log)
    labels: Counter[bytes] = field(default_factory=Counter)
    lengths: NDArray[Any] | None = None
    content: Numbers = field(default_factory=Numbers)
    prompt: Numbers = field(default_factory=Numbers)
    row_lines: Numbers = field(default_factory=lambda: Numbers("u4"))
    total: int = 0
    marks: Log = field(default_factory=Log)
    extras: set[str] = field(default_factory=set)
    crlf: int = 0
    changed: bool = False
    tail: int = 0
    unfit: NDArray[Any] | None = None

    def add_lengths(self, chars: NDArray[Any]) -> None:
        """Count the lengths of some fine rows."""
        import numpy as np

        if not chars.size:
            return
        counts = np.bincount(length_classes(chars), minlength=CLASSES)
        self.lengths = counts if self.lengths is None else self.lengths + counts

    def add_numbers(
        self, content: NDArray[Any], prompt: NDArray[Any], lines: NDArray[Any] | None = None
    ) -> None:
        """Add the numbers of the rows that follow."""
        done = self.stop - self.start
        expected = 0
        if done > 0 and self.total > done:
            expected = int(len(self.content) * (self.total / done) * 1.5) + (1 << 12)
        self.content.append(content, expected)
        self.prompt.append(prompt, expected)
        if lines is not None:
            self.row_lines.append(lines, expected)

    def note_blank(self, rows: int, blank: set[int]) -> None:
        """Note which of the rows that follow are empty lines."""
        count = 0
        while count < rows and rows - 1 - count in blank:
            count += 1
        self.tail = count + (self.tail if count == rows else 0)

    def drop_tail(self) -> None:
        """Take the empty lines at the end away: they are no rows."""
        count = self.tail
        if not count:
            return
        self.rows -= count
        self.broken -= count
        for numbers in (self.content, self.prompt, self.row_lines):
            numbers.cut(self.rows)
        for counted in (self.log.counts, self.log.rows):
            counted["blank_line"] -= count
            if not counted["blank_line"]:
                del counted["blank_line"]
        kept = self.log.kept.get("blank_line", [])
        kept[:] = [item for item in kept if item[0] <= self.lines - count]
        if not kept:
            self.log.kept.pop("blank_line", None)

    def leave_out(self) -> None:
        """Take the numbers of broken rows away, when all parts are added up: nothing asks them."""
        import numpy as np

        numbers = self.content.array
        self.unfit = np.flatnonzero(numbers == 0).astype(np.uint32)
        if self.unfit.size:
            fit = numbers != 0
            self.content.keep(fit)
            self.prompt.keep(fit)

    def fit(self) -> NDArray[Any]:
        """Return which rows are fine, after `leave_out`."""
        import numpy as np

        assert self.unfit is not None
        kept: NDArray[Any] = np.ones(self.rows, bool)
        kept[self.unfit] = False
        return np.flatnonzero(kept)

    def extend(self, other: Part) -> None:
        """Add the part that follows this one."""
        self.log.extend(other.log, self.lines)
        self.marks.extend(other.marks, self.lines)
        if not len(self.content):  # the whole file, often: nothing is copied
            self.content, self.prompt = other.content, other.prompt
            self.row_lines = other.row_lines
            self.row_lines.shift(self.lines)
        else:
            lines = other.row_lines.array + self.lines if len(other.row_lines) else None
            self.add_numbers(other.content.array, other.prompt.array, lines)
        self.tail = other.tail + (self.tail if other.tail == other.rows else 0)
        self.lines += other.lines
        self.rows += other.rows
        self.broken += other.broken
        self.labels.update(other.labels)
        if other.lengths is not None:
            first = self.lengths
            self.lengths = other.lengths if first is None else first + other.lengths
        self.extras |= other.extras
        self.crlf += other.crlf
        self.changed |= other.changed
        self.stop = other.stop


def length_classes(chars: NDArray[Any]) -> NDArray[Any]:
    """Return the class of each length: itself when short, else a step of about 1.1 %."""
    import numpy as np

    classes = chars.astype(np.int64)
    large = np.flatnonzero(classes >= EXACT)
    if large.size:
        steps = np.floor(np.log2(classes[large] / EXACT) * _STEPS).astype(np.int64)
        classes[large] = EXACT + steps
    return classes


def class_length(number: int) -> int:
    """Return the (smallest) length of a class."""
    if number < EXACT:
        return number
    return int(EXACT * 2.0 ** ((number - EXACT) / _STEPS))
