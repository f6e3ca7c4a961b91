"""The rows of a block: their texts, and what the fast paths know of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.jsonl.signs import Signs

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
    labels : list of bytes
        Labels of the fine rows of a classification file, in canonical JSON form.
    crlf : int
    flaws : ndarray of int64, optional
        What is the matter with a row that is sound as JSON, where that is all: see
        `compiled.FLAWS`; 0 for nothing, or not known.
    """

    starts: NDArray[Any]
    ends: NDArray[Any]
    fine: NDArray[Any]
    content: NDArray[Any]
    prompt: NDArray[Any]
    chars: NDArray[Any]
    labels: list[bytes]
    crlf: int
    flaws: NDArray[Any] | None = None


@dataclass
class Texts:
    """The texts of some rows, in the order of the file.

    Attributes
    ----------
    rows : ndarray
        Lines that have texts.
    begin : ndarray, shape (rows,)
        Index of each row's first text.
    opens, closes, escapes : ndarray, shape (texts,)
        Places of the quotes around each text, and its two-byte escapes.
    numbers : ndarray, shape (texts,)
        Role or column of each text.
    """

    rows: NDArray[Any]
    begin: NDArray[Any]
    opens: NDArray[Any]
    closes: NDArray[Any]
    escapes: NDArray[Any]
    numbers: NDArray[Any]

    def keep(self, wanted: NDArray[Any]) -> Texts:
        """Return the texts of the rows that are wanted."""
        import numpy as np

        if wanted.all():
            return self
        sizes = self.sizes()
        texts: Any = np.repeat(wanted, sizes)
        sizes = sizes[wanted]
        return Texts(
            self.rows[wanted],
            np.cumsum(sizes) - sizes,
            self.opens[texts],
            self.closes[texts],
            self.escapes[texts],
            self.numbers[texts],
        )

    def sizes(self) -> NDArray[Any]:
        """Return how many texts each row has."""
        import numpy as np

        return np.diff(self.begin, append=self.opens.size)


def empty(signs: Signs, fine: NDArray[Any]) -> Accepted:
    """Return a result without numbers yet."""
    import numpy as np

    size = fine.size
    content, prompt = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
    chars = np.zeros(size, np.int64)
    return Accepted(signs.starts, signs.ends, fine, content, prompt, chars, [], signs.crlf)


def clear(result: Accepted, lines: NDArray[Any]) -> None:
    """Take rows back that turned out doubtful."""
    result.fine[lines] = False
    for numbers in (result.content, result.prompt, result.chars):
        numbers[lines] = 0
