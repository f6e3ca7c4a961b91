"""The fastest path: rows whose bytes outside the texts are exactly those that tools write.

The bytes between two texts of such a row (a *frame*: ``"}, {"role": "user", "content": "``) are
one of a few known strings, compared whole. So a row costs a few steps for each text, and none for
the names and signs between them. What is not framed like that is left to the general path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.jsonl.rows import Texts
from ft_runtime.doctor.jsonl.signs import Signs
from ft_runtime.doctor.jsonl.words import PAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST = PAD - 8


class Frames:
    """A set of frames of one place in a row: by their length, then compared in full.

    Parameters
    ----------
    frames : dict of bytes to int
        Number of each frame, from 1; those longer than `LONGEST` are never found.
    """

    def __init__(self, frames: dict[bytes, int]) -> None:
        self._frames = {frame: n for frame, n in frames.items() if len(frame) <= LONGEST}
        self._built: tuple[int, Any, list[tuple[Any, Any]]] | None = None

    def _build(self) -> tuple[int, Any, list[tuple[Any, Any]]]:
        """Return how many words hold a frame, masks by length, and tables by length.

        Frames of one length go to different tables. A length without a frame has the number 0.
        """
        import numpy as np

        count = -(-max(map(len, self._frames), default=1) // 8)
        longest = count * 8
        rows = [b"\xff" * n + b"\0" * (longest - n) for n in range(longest + 1)]
        masks = np.frombuffer(b"".join(rows), "<u8").reshape(-1, count)
        layers: list[tuple[Any, Any]] = []
        for frame, number in self._frames.items():
            size = len(frame)
            for _words, numbers in layers:
                if not numbers[size]:
                    break
            else:
                layers.append(
                    (np.zeros((longest + 1, count), "<u8"), np.zeros(longest + 1, np.uint8))
                )
            words, numbers = next(layer for layer in layers if not layer[1][size])
            words[size] = np.frombuffer(frame.ljust(longest, b"\0"), "<u8")
            numbers[size] = number
        self._built = count, masks, layers
        return self._built

    def find(self, block: bytes, begin: NDArray[Any], until: NDArray[Any]) -> NDArray[Any]:
        """Return the number of the frame between each pair of places, 0 where none fits.

        Parameters
        ----------
        block : bytes
            At least `words.PAD` bytes longer than the last place.
        begin, until : ndarray of int, shape (n,)

        Returns
        -------
        ndarray of uint8, shape (n,)
        """
        import numpy as np

        count, masks, layers = self._built or self._build()
        longest = count * 8
        size = until - begin
        fits = (size > 0) & (size <= longest)
        size *= fits
        whole = np.ndarray((len(block) - longest + 1,), f"V{longest}", block, strides=(1,))
        words = whole[begin].view("<u8").reshape(-1, count)
        words &= masks.take(size, axis=0)
        found: Any = np.zeros(begin.size, np.uint8)
        for table, numbers in layers:
            other = words ^ table.take(size, axis=0)
            differs = other[:, 0]
            for column in range(1, count):
                differs |= other[:, column]
            found |= (differs == 0) * numbers.take(size)
        return found


class Form:
    """The frames of a format.

    Parameters
    ----------
    chat : bool
        Rows are conversations.
    names, roles : dict
        Numbers of the columns and of the roles.
    parts : bool
        Each content is a list of one part, which is a text.

    Attributes
    ----------
    lead, step : int
        Quotes before the first text's opening one that belong to no text, less those of `step`;
        quotes from one text to the next.
    first, inner, last : Frames
        From the line's start to the first text; from text to text; from the last to the end.
    """

    def __init__(
        self, chat: bool, names: dict[str, int], roles: dict[str, int], *, parts: bool = False
    ) -> None:
        first: dict[bytes, int] = {}
        inner: dict[bytes, int] = {}
        last: dict[bytes, int] = {}
        for comma, colon in ((", ", ": "), (",", ":")):
            if chat:
                (key,) = names
                begins, ends = '"', '"}'
                if parts:
                    begins, ends = f'[{{"type"{colon}"text"{comma}"text"{colon}"', '"}]}'
                for role, number in roles.items():
                    message = f'{{"role"{colon}"{role}"{comma}"content"{colon}{begins}'
                    first[f'{{"{key}"{colon}[{message}'.encode()] = number
                    inner[f"{ends}{comma}{message}".encode()] = number
                last[f"{ends}]}}".encode()] = 1
            else:
                for name, number in names.items():
                    first[f'{{"{name}"{colon}"'.encode()] = number
                    inner[f'"{comma}"{name}"{colon}"'.encode()] = number
                last[b'"}'] = 1
        self.lead, self.step = (2, 14 if parts else 8) if chat else (0, 4)
        self.first, self.inner, self.last = Frames(first), Frames(inner), Frames(last)


def framed(signs: Signs, form: Form, among: NDArray[Any]) -> Texts:
    """Return the texts of the rows of a block, of those asked for, that have this form."""
    import numpy as np

    count = signs.count - form.lead
    good = among & (count >= form.step) & (count % form.step == 0)
    rows = np.flatnonzero(good)
    sizes = count.take(rows) // form.step
    begin = np.cumsum(sizes) - sizes
    # The first text's quotes are the last two of the first step.
    base = signs.first.take(rows) + (form.lead + form.step - 2) - begin * form.step
    at: Any = np.repeat(base, sizes)
    at += np.arange(at.size) * form.step
    opens, closes = signs.quotes.take(at), signs.quotes.take(at + 1)
    numbers: Any = np.zeros(at.size, np.uint8)
    found = Texts(rows, begin, opens, closes, signs.escaped(at, at + 1), numbers)
    if not rows.size:
        return found
    after = opens + 1
    numbers[1:] = form.inner.find(signs.block, closes[:-1], after[1:])
    numbers[begin] = form.first.find(signs.block, signs.starts.take(rows), after.take(begin))
    tails = closes.take(begin + sizes - 1)
    fits = form.last.find(signs.block, tails, signs.ends.take(rows)) > 0
    fits &= np.minimum.reduceat(numbers, begin) > 0
    return found.keep(fits)
