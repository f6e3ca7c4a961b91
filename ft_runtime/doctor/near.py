"""Near duplicates: rows whose texts share most of their words, found without comparing all pairs.

Each text becomes a set of shingles (pairs of neighbouring words, hashed to 64 bits), and the set a
signature by *one-permutation hashing* with optimal densification (Li, Owen and Zhang, 2012;
Shrivastava, 2017): the shingles fall into `SLOTS` bins, and each bin keeps its least value. Two
signatures agree in a slot with the probability of the sets' Jaccard similarity. Rows that agree in
a whole band of slots are candidates; they are compared by all slots, and joined into groups.

Where words are not parted by spaces (Chinese, Japanese, Korean), each character stands for a word.
Of a text with few shingles one common phrase is much: there more has to agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLOTS, BAND = 128, 4
THRESHOLD = 0.5
FEW, STRICT = 16, 0.7
"""Fewer shingles than this make a short text, and what two of them must share at least."""
_BATCH = 2048
_ODD, _MIX, _LAST = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0x94D049BB133111EB
# What parts words, in one pass over the bytes: everything but letters, digits and wide bytes.
_WORDS = bytes(c if chr(c).isalnum() or c > 127 else 32 for c in range(256)).lower()


def near_roots(texts: Iterable[bytes], threshold: float = THRESHOLD) -> NDArray[Any]:
    """Return for each row the first row that it is near to, itself where there is none.

    Takes `SLOTS` * 4 bytes a row.

    Parameters
    ----------
    texts : iterable of bytes
        UTF-8, one for each row; an empty one is like no other.
    threshold : float
        Least share of common shingles, in (0, 1]; at least `STRICT` for short texts.

    Returns
    -------
    ndarray of int64, shape (rows,)
    """
    import numpy as np

    parts = [_signed(batch) for batch in _batches(texts)]
    if not parts:
        return np.zeros(0, np.int64)
    signatures = np.concatenate([part for part, _ in parts])
    least = np.where(np.concatenate([few for _, few in parts]), max(STRICT, threshold), threshold)
    del parts
    return _join(signatures, least)


def _batches(texts: Iterable[bytes]) -> Iterator[list[bytes]]:
    source = iter(texts)
    while batch := list(islice(source, _BATCH)):
        yield batch


def sign(texts: list[bytes]) -> NDArray[Any]:
    """Return the signatures of some texts.

    Returns
    -------
    ndarray of uint32, shape (texts, SLOTS)
        0 everywhere for a text without words.
    """
    return _signed(texts)[0]


def _signed(texts: list[bytes]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return signatures, and which texts have few shingles."""
    import numpy as np

    shingles, owner = _shingles(texts)
    few = np.bincount(owner, minlength=len(texts)) < FEW
    made: Any = np.full(len(texts) * SLOTS, 0xFFFFFFFF, np.uint32)
    slot = owner * SLOTS + (shingles >> np.uint64(57)).astype(np.int64)
    value = (shingles & np.uint64(0xFFFFFFFE)).astype(np.uint32)
    # The least value of each slot: sorted by slot and value, the first of each.
    key = (slot.astype(np.uint64) << np.uint64(32)) | value
    key.sort()
    at = (key >> np.uint64(32)).astype(np.int64)
    first = np.flatnonzero(np.diff(at, prepend=-1))
    made[at[first]] = (key[first] & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    return _densify(made.reshape(-1, SLOTS)), few


def _shingles(texts: list[bytes]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the hash of each pair of neighbouring words, and the text that it belongs to."""
    import numpy as np

    joined = b"\n".join(text.replace(b"\n", b" ") for text in texts) + b"\n"
    data = np.frombuffer(joined, np.uint8)
    ends_of_texts = np.flatnonzero(data == 10)
    table = np.frombuffer(_WORDS, np.uint8)
    letters = table.take(data)
    inside = letters != 32
    start = np.diff(inside.view(np.int8), prepend=0) == 1
    # The first bytes of U+3000 to U+DFFF in UTF-8.
    start |= (data >= 0xE3) & (data <= 0xED)
    begin: Any = np.flatnonzero(start)
    owner: Any = np.searchsorted(ends_of_texts, begin)
    words: Any = _hash_words(letters, begin)
    same = owner[1:] == owner[:-1]
    pairs = _mix(words[:-1] * np.uint64(3) + words[1:])[same]
    # A text of one word is its own shingle.
    alone: Any = np.ones(owner.size, bool)
    alone[1:] &= ~same
    alone[:-1] &= ~same
    return (
        np.concatenate([pairs, _mix(words[alone])]),
        np.concatenate([owner[:-1][same], owner[alone]]),
    )


def _hash_words(letters: NDArray[Any], begin: NDArray[Any]) -> NDArray[Any]:
    """Return a hash of each word: the sum of its bytes, each weighed by its place in the word."""
    import numpy as np

    if not begin.size:
        return np.zeros(0, np.uint64)
    place = np.arange(letters.size) - np.repeat(
        np.append(0, begin), np.diff(np.concatenate([[0], begin, [letters.size]]))
    )
    weights = _weights()
    terms = weights.take(place & 63) * letters
    terms[letters == 32] = 0
    return _mix(np.add.reduceat(terms, begin))


def _weights() -> NDArray[Any]:
    import numpy as np

    return _mix(np.arange(1, 65, dtype=np.uint64) * np.uint64(_ODD)) | np.uint64(1)


def _mix(numbers: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    mixed = numbers * np.uint64(_MIX)
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(_LAST)
    mixed ^= mixed >> np.uint64(29)
    return mixed


def _densify(signatures: NDArray[Any]) -> NDArray[Any]:
    """Fill empty slots from others of the same row, chosen alike for all rows."""
    import numpy as np

    empty = signatures == 0xFFFFFFFF
    nothing = empty.all(axis=1)
    signatures[nothing] = 0
    empty[nothing] = False
    rng = np.random.default_rng(7)
    rounds = 0
    source = signatures.copy()
    gone = empty.copy()
    while gone.any():
        turn = rng.permutation(SLOTS) if rounds < 64 else (np.arange(SLOTS) + rounds) % SLOTS
        rows, slots = np.nonzero(gone)
        values = source[rows, turn[slots]]
        filled = ~empty[rows, turn[slots]]
        # Told apart from the slot it came from, or few shingles would agree too often.
        signatures[rows[filled], slots[filled]] = values[filled] ^ (slots[filled] * 2 + 1)
        gone[rows[filled], slots[filled]] = False
        rounds += 1
    return signatures


def _join(signatures: NDArray[Any], least: NDArray[Any]) -> NDArray[Any]:
    """Return for each row the first row of its group; `least` is what each has to share."""
    import numpy as np

    roots = np.arange(len(signatures))
    usable = np.flatnonzero(signatures.any(axis=1))
    for start in range(0, SLOTS, BAND):
        band = signatures[usable, start : start + BAND].astype(np.uint64)
        key: Any = np.zeros(usable.size, np.uint64)
        for column in band.T:
            key = _mix(key + column + np.uint64(1))
        order = np.argsort(key, kind="stable")
        same = np.flatnonzero(key[order][1:] == key[order][:-1])
        one, two = usable[order[same]], usable[order[same + 1]]
        fresh = roots[one] != roots[two]
        one, two = one[fresh], two[fresh]
        if one.size:
            alike = np.mean(signatures[one] == signatures[two], axis=1) >= least[one]
            _unite(roots, one[alike], two[alike])
    return _settle(roots)


def _unite(roots: NDArray[Any], one: NDArray[Any], two: NDArray[Any]) -> None:
    parents = roots
    for a, b in zip(one.tolist(), two.tolist(), strict=True):
        a, b = _root(parents, a), _root(parents, b)
        if a != b:
            parents[max(a, b)] = min(a, b)


def _root(parents: NDArray[Any], at: int) -> int:
    while (parent := int(parents[at])) != at:
        parents[at] = parents[parent]
        at = parent
    return at


def _settle(roots: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    while True:
        again = roots[roots]
        if np.array_equal(again, roots):
            return roots
        roots = again
