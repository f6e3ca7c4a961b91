"""The plain rows of a block of JSON lines: each byte is read once, by a parser of few forms.

What `jsonl.plain` accepts is accepted here, too, and gets the same numbers, as do contents in parts
of any number; any other line is only found, for `explain` to look at.
"""

from __future__ import annotations

from ft_runtime.doctor.kernels.chat import chat as read_chat
from ft_runtime.doctor.kernels.flat import flat as read_flat
from ft_runtime.doctor.kernels.jit import kernel
from ft_runtime.doctor.kernels.lanes import load1, load8, store1, store8
from ft_runtime.doctor.kernels.values import (
    CRLF,
    FACTS,
    KEYS,
    LABEL,
    NAMES,
    NEWS,
    OPEN,
    SEEN,
    SIZE,
    STOP,
)
from ft_runtime.doctor.kernels.walk import WRONG, line_end, space

__all__ = ["CRLF", "FACTS", "NAMES", "NEWS", "SEEN", "STOP", "read_rows"]


@kernel(f"int64(int64, int64, boolean{', int64' * 10})")
def read_rows(
    block: int,
    end: int,
    chat: bool,
    keys: int,
    roles: int,
    must: int,
    answers: int,
    spare: int,
    facts: int,
    room: int,
    found: int,
    labels: int,
    fine: int,
) -> int:
    """Read the lines of a block, up to the number that there is room for.

    Parameters
    ----------
    block, end : int
        Address of the block, and of the byte behind its last line end.
    chat : bool
        Rows are conversations.
    keys, roles : int
        Addresses of tables of names.
    must, answers : int
        The columns that must be there, and that are the answer, as bits.
    spare : int
        Address of memory as large as the block, and 64 bytes.
    facts : int
        Address of `FACTS` words, all 0: what is known beside the rows.
    room : int
        How many rows there is room for.
    found, fine : int
        Addresses of what is written: six words for each row, first all starts, then all ends,
        content, prompt, characters, and flaws; and a byte for each row.
    labels : int
        Address of two words for each row, address and size of its label; 0 for no labels.

    Returns
    -------
    int
        How many lines were read; the word `STOP` is where the next begins.
    """
    at, row, lines = block, 0, 0
    while at < end and row < room:
        start, good = at, False
        store8(found + 8 * (5 * room + row), 0)
        content, prompt, chars, flaws = 0, 0, 0, 0
        if load1(at) == OPEN:
            if chat:
                at, content, prompt, chars, flaws = read_chat(at + 1, keys, roles, spare, facts)
            else:
                at, content, prompt, chars, flaws = read_flat(
                    at + 1, keys, must, answers, labels, spare, facts
                )
            if at == WRONG:
                at = content
            else:
                at = space(at)
                good = load1(at) == 10 or (load1(at) == 13 and load1(at + 1) == 10)
                if good:
                    seen = facts + 8 * SEEN
                    store8(seen, load8(seen) | load8(facts + 8 * KEYS))
                    store8(found + 8 * (5 * room + row), flaws)
                    good = flaws == 0
        at = line_end(at)
        stop = at
        if stop > start and load1(stop - 1) == 13:
            stop -= 1
            lines += 1
        if good:
            if labels:
                place, size = load8(facts + 8 * LABEL), load8(facts + 8 * SIZE)
                store8(labels + 16 * row, place)
                store8(labels + 16 * row + 8, size)
                if place == spare:
                    spare += size
        else:
            content, prompt, chars = 0, 0, 0
        store8(found + 8 * row, start - block)
        store8(found + 8 * (room + row), stop - block)
        store8(found + 8 * (2 * room + row), content)
        store8(found + 8 * (3 * room + row), prompt)
        store8(found + 8 * (4 * room + row), chars)
        store1(fine + row, good)
        row += 1
        at += 1
    store8(facts + 8 * CRLF, lines)
    store8(facts + 8 * STOP, at - block)
    return row
