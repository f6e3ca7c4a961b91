"""The parser of plain conversations."""

from __future__ import annotations

from ft_runtime.doctor.jsonl.layout import ASSISTANT, CONTENT, FIRST_COLUMN, ROLE, SYSTEM
from ft_runtime.doctor.kernels.jit import inline
from ft_runtime.doctor.kernels.lanes import load1, plus, store8
from ft_runtime.doctor.kernels.parts import parts_of
from ft_runtime.doctor.kernels.values import (
    CLOSE,
    COMMA,
    DOUBTFUL,
    FINE,
    KEYS,
    LIST,
    LIST_END,
    MISSING,
    OPEN,
    QUOTE,
    colon,
    extra,
    name,
    note,
    other,
    term_of,
    text_of,
)
from ft_runtime.doctor.kernels.walk import WRONG, number_of, space, string

# Messages of a conversation up to which flaws are counted.
_COUNTED = 255


@inline
def message(at: int, keys: int, roles: int, spare: int) -> tuple[int, int, int, int, int]:
    """Read the object of role and content that begins at a place.

    Returns
    -------
    at, role, digest, chars, flaw : int
        The place behind it, WRONG where it is not plain: then the next is a place in it.
    """
    role, text, count, flaw, seen = 0, 0, 0, FINE, 0
    if load1(at) != OPEN:
        return WRONG, at, 0, 0, 0
    for turn in range(2):
        at = space(at + 1)
        close = name(at)
        if close == WRONG:
            return WRONG, at, 0, 0, 0
        key = number_of(keys, at + 1, close - at - 1)
        at = colon(close)
        if at == WRONG or key == seen:
            return WRONG, close, 0, 0, 0
        seen = key
        if load1(at) != QUOTE:
            if load1(at) == LIST:
                end, text, count, flaw = parts_of(at, spare)
            else:
                end, flaw = other(at)
            if end == WRONG or key != CONTENT:
                return WRONG, at, 0, 0, 0
        else:
            at += 1
            close, wide, escapes, units = string(at)
            if close == WRONG:
                return WRONG, at, 0, 0, 0
            if key == ROLE:
                role = number_of(roles, at, close - at)
            elif key == CONTENT:
                text, count, flaw, _, _ = text_of(at, close, wide, escapes, units, spare)
            if flaw == DOUBTFUL or (key == ROLE and role == 0) or (key != ROLE and key != CONTENT):
                return WRONG, close, 0, 0, 0
            end = close + 1
        at = space(end)
        if load1(at) != (COMMA if turn == 0 else CLOSE):
            return WRONG, at, 0, 0, 0
    return at + 1, role, text, count, flaw


@inline
def turns(at: int, keys: int, roles: int, spare: int) -> tuple[int, int, int, int, int]:
    """Read the list of messages that begins at a place.

    Returns
    -------
    at, content, prompt, chars, flaws : int
        The place behind it, WRONG where it is not plain or the roles have no usual order: then
        the next is a place in it.
    """
    content, before, chars, flaws, place, last = 0, 0, 0, 0, 0, 0
    while True:
        at, role, text, count, flaw = message(space(at + 1), keys, roles, spare)
        if at == WRONG:
            return WRONG, role, 0, 0, 0
        if role > ASSISTANT or role == last or (role == SYSTEM and place > 0):
            return WRONG, at, 0, 0, 0
        if flaw:
            if place >= _COUNTED:
                return WRONG, at, 0, 0, 0
            flaws += flaw
        before = content
        content = plus(content, term_of(text, role, place))
        chars += count
        place += 1
        last = role
        at = space(at)
        if load1(at) == COMMA:
            continue
        if load1(at) != LIST_END or last != ASSISTANT:
            return WRONG, at, 0, 0, 0
        return at + 1, content, before, chars, flaws


@inline
def chat(at: int, keys: int, roles: int, spare: int, facts: int) -> tuple[int, int, int, int, int]:
    """Read the conversation that begins behind a brace; see `turns` for what it returns."""
    content, prompt, chars, flaws, known = 0, 0, 0, 0, 0
    while True:
        at = space(at)
        close = name(at)
        if close == WRONG:
            return WRONG, at, 0, 0, 0
        number = number_of(keys, at + 1, close - at - 1)
        if number < FIRST_COLUMN:
            if number == 0:
                note(facts, at + 1, close - at - 1)
            return WRONG, close, 0, 0, 0
        if (known >> number) & 1:
            return WRONG, close, 0, 0, 0
        known |= 1 << number
        at = colon(close)
        if at == WRONG:
            return WRONG, close, 0, 0, 0
        if number == FIRST_COLUMN:
            if load1(at) != LIST:
                return WRONG, at, 0, 0, 0
            at, content, prompt, chars, flaws = turns(at, keys, roles, spare)
            if at == WRONG:
                return WRONG, content, 0, 0, 0
        else:
            begin = at
            at = extra(at, spare)
            if at == WRONG:
                return WRONG, begin, 0, 0, 0
        at = space(at)
        if load1(at) == COMMA:
            at += 1
            continue
        if load1(at) != CLOSE:
            return WRONG, at, 0, 0, 0
        if not (known >> FIRST_COLUMN) & 1:
            flaws = MISSING
        store8(facts + 8 * KEYS, known)
        return at + 1, content, prompt, chars, flaws
