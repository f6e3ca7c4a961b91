"""What the fast path knows of the lines of a block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass
class Accepted:
    """What is known of the lines of a block; the arrays have one entry for each line.

    Attributes
    ----------
    starts, ends : ndarray
        Where each line lies in the block, line end not included.
    fine : ndarray of bool
    content, prompt : ndarray of uint64
        See `hashing`; 0 where not fine.
    chars : ndarray of int64
        Characters of all the texts of a row.
    labels : list of (line, bytes)
        Labels of the fine rows of a classification file, in canonical JSON form.
    crlf : int
    """

    starts: NDArray[Any]
    ends: NDArray[Any]
    fine: NDArray[Any]
    content: NDArray[Any]
    prompt: NDArray[Any]
    chars: NDArray[Any]
    labels: list[bytes]
    crlf: int


def clear(result: Accepted, lines: NDArray[Any]) -> None:
    """Take rows back that turned out doubtful."""
    result.fine[lines] = False
    for numbers in (result.content, result.prompt, result.chars):
        numbers[lines] = 0
