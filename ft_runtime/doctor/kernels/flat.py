"""The parser of plain rows with a text in each column."""

from __future__ import annotations

from ft_runtime.doctor.jsonl.layout import FIRST_EXTRA
from ft_runtime.doctor.kernels.jit import inline
from ft_runtime.doctor.kernels.lanes import load1, ones, plus, store8
from ft_runtime.doctor.kernels.values import (
    CLOSE,
    COMMA,
    DOUBTFUL,
    EMPTY,
    KEYS,
    LABEL,
    MISSING,
    NULL,
    QUOTE,
    SIZE,
    colon,
    extra,
    name,
    note,
    other,
    term_of,
    text_of,
)
from ft_runtime.doctor.kernels.walk import WRONG, number_of, space, string


@inline
def flat(
    at: int, keys: int, must: int, answers: int, labelled: int, spare: int, facts: int
) -> tuple[int, int, int, int, int]:
    """Read the row of columns that begins behind a brace; see `chat.turns` for what it returns."""
    content, prompt, chars, flaws, known = 0, 0, 0, 0, 0
    while True:
        at = space(at)
        close = name(at)
        if close == WRONG:
            return WRONG, at, 0, 0, 0
        number = number_of(keys, at + 1, close - at - 1)
        if number == 0:
            note(facts, at + 1, close - at - 1)
            return WRONG, close, 0, 0, 0
        if (known >> number) & 1:
            return WRONG, close, 0, 0, 0
        known |= 1 << number
        at = colon(close)
        if at == WRONG:
            return WRONG, close, 0, 0, 0
        if number >= FIRST_EXTRA:
            begin = at
            at = extra(at, spare)
            if at == WRONG:
                return WRONG, begin, 0, 0, 0
        else:
            required, answer = (must >> number) & 1, (answers >> number) & 1
            if load1(at) != QUOTE:
                end, flaw = other(at)
                if end == WRONG or (labelled and answer and flaw != NULL):
                    return WRONG, at, 0, 0, 0
                if flaw != NULL or required:
                    flaws += flaw
                at = end
            else:
                at += 1
                close, wide, escapes, units = string(at)
                if close == WRONG:
                    return WRONG, at, 0, 0, 0
                text, count, flaw, place, size = text_of(at, close, wide, escapes, units, spare)
                if flaw == DOUBTFUL:
                    return WRONG, close, 0, 0, 0
                if flaw != EMPTY or required:
                    flaws += flaw
                chars += count
                if size:
                    term = term_of(text, number, 0)
                    content = plus(content, term)
                    if not answer:
                        prompt = plus(prompt, term)
                if answer:
                    store8(facts + 8 * LABEL, place)
                    store8(facts + 8 * SIZE, size)
                    if units:
                        spare += size
                at = close + 1
        at = space(at)
        if load1(at) == COMMA:
            at += 1
            continue
        if load1(at) != CLOSE:
            return WRONG, at, 0, 0, 0
        flaws += MISSING * ones(must & ~known)
        store8(facts + 8 * KEYS, known)
        return at + 1, content, prompt, chars, flaws
