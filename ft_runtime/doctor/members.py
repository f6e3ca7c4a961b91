"""The fine rows of the files that were surveyed, as a split needs to know them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.splits.sides import SIDES, Members

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ft_runtime.doctor.survey import Surveyed

_CHUNK = 1 << 16


def members_of(files: Sequence[Surveyed], labelled: bool, near: NDArray[Any] | None) -> Members:
    """Return the fine rows of all files; of a single file nothing is copied.

    Parameters
    ----------
    files : sequence of Surveyed
    labelled : bool
        Rows have labels.
    near : ndarray of int or None
        See `Members`.
    """
    import numpy as np

    empty: NDArray[Any] = np.zeros(0, np.uint64)
    if not files:
        return Members(empty, empty, None, lambda: empty, empty.astype(np.int64))
    content = _joined(each.content for each in files)
    prompt = _joined(each.prompt for each in files)
    places: NDArray[Any] = np.arange(len(files), dtype=np.uint16)
    file: NDArray[Any] = np.broadcast_to(places[:1], content.size)
    if len(files) > 1:
        file = np.repeat(places, [each.content.size for each in files])
    splits = [each.scan.split for each in files]
    given = None
    if all(name in SIDES for name in splits):
        given = np.array([SIDES.index(name) for name in splits], np.uint8)[file]
    label: NDArray[Any] | None = None
    names: list[str] = []
    if labelled:
        label, names = _labels(files, content, prompt)
    return Members(content, prompt, label, _lines(files), file, names, given, near)


def _joined(arrays: Iterable[NDArray[Any]]) -> NDArray[Any]:
    import numpy as np

    taken = list(arrays)
    return taken[0] if len(taken) == 1 else np.concatenate(taken)


def _lines(files: Sequence[Surveyed]) -> Callable[[], NDArray[Any]]:
    import numpy as np

    return lambda: _joined(each.fine_lines().astype(np.uint32) for each in files)


def _labels(
    files: Sequence[Surveyed], content: NDArray[Any], prompt: NDArray[Any]
) -> tuple[NDArray[Any], list[str]]:
    """Return labels by row: what content and prompt differ by is the term of the label."""
    import numpy as np
    from xxhash import xxh3_64_intdigest

    from ft_runtime.doctor import hashing
    from ft_runtime.doctor.jsonl.escapes import json_bytes
    from ft_runtime.doctor.jsonl.layout import COLUMNS, FIRST_COLUMN

    columns = [name for name, _, _ in COLUMNS["csv_classification"]]
    tag = FIRST_COLUMN + columns.index("label")
    known = {}
    for each in files:
        for name in each.scan.labels:
            digest = xxh3_64_intdigest(json_bytes()(name)[1:-1])
            known[hashing.term(digest, tag, 0)] = name
    spans = [slice(i, i + _CHUNK) for i in range(0, max(content.size, 1), _CHUNK)]
    terms = [np.unique(content[span] - prompt[span]) for span in spans]
    values: NDArray[Any] = np.unique(np.concatenate(terms))
    label: NDArray[Any] = np.empty(content.size, np.uint32)
    for span in spans:
        label[span] = np.searchsorted(values, content[span] - prompt[span])
    names = [known.get(value, f"#{value:x}") for value in values.tolist()]
    return label, names
