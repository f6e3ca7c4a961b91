"""Writing the parts of a split as files, a file a part."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ft_runtime.doctor.cleaning.fresh import FreshFile
from ft_runtime.doctor.splits.sides import SIDES

if TYPE_CHECKING:
    from numpy.typing import NDArray


def write_splits(
    records: Iterable[tuple[int, bytes]],
    sides: NDArray[Any],
    folder: str | Path,
    ending: str,
    header: bytes = b"",
) -> dict[str, Path]:
    """Write each record, as its bytes stand, to the file of its side.

    Parameters
    ----------
    records : iterable of (int, bytes)
        Side and bytes of each record, the line break included.
    sides : ndarray of int
        All sides that there are.
    folder : str or Path
        Made when missing.
    ending : str
    header : bytes
        Of a table: goes first into every file.

    Returns
    -------
    dict of str to Path
        The files that were written, by side.

    Raises
    ------
    FindingsError
        A file is there already, or cannot be written; nothing is left behind.
    """
    target = Path(folder)
    import numpy as np

    used = np.unique(sides).tolist()
    with ExitStack() as stack:
        fresh = [
            stack.enter_context(FreshFile(target / f"{SIDES[side]}.{ending}")) for side in used
        ]
        streams: dict[int, BinaryIO] = {
            side: file.stream for side, file in zip(used, fresh, strict=True)
        }
        for stream in streams.values():
            stream.write(header)
        for side, raw in records:
            streams[side].write(raw if raw.endswith(b"\n") else raw + b"\n")
        for file in fresh:
            file.finish()
        for file in fresh:
            file.keep()
        return {SIDES[side]: file.path for side, file in zip(used, fresh, strict=True)}
