"""The plain rows of a block of JSON lines: each byte is read once, by a parser of few forms.

What is accepted here is what `jsonl.plain` accepts, and gets the same numbers; any other line is
only found, for `explain` to look at.
"""

from __future__ import annotations

from ft_runtime.doctor.hashing import _LAST, _PLACE, _TAG
from ft_runtime.doctor.jsonl.layout import (
    ASSISTANT,
    CONTENT,
    FIRST_COLUMN,
    FIRST_EXTRA,
    ROLE,
    SYSTEM,
)
from ft_runtime.doctor.kernels.jit import inline, kernel
from ft_runtime.doctor.kernels.lanes import (
    load1,
    load4,
    load8,
    ones,
    plus,
    shift,
    store1,
    store8,
    times,
)
from ft_runtime.doctor.kernels.text import canonical, characters, is_blank
from ft_runtime.doctor.kernels.walk import (
    NULL_WORD,
    WRONG,
    line_end,
    number_of,
    scalar,
    space,
    string,
)
from ft_runtime.doctor.kernels.xxh3 import digest

# What is the matter with a row that is sound as JSON and has no other problem: how many of each
# kind, in a byte each, in the order of `jsonl.compiled.FLAWS`.
EMPTY, NULL, NOT_TEXT, HALF, MISSING = (1 << 8 * i for i in range(5))
# Nothing is the matter; only a closer look can tell.
FINE, DOUBTFUL = 0, -1
# Messages of a conversation up to which flaws are counted.
_COUNTED = 255
_QUOTE, _COLON, _COMMA, _OPEN, _CLOSE, _LIST, _LIST_END = 34, 58, 44, 123, 125, 91, 93
# Places in the memory of what is known beside the rows, in words of eight bytes: keys seen in fine
# rows as bits, names that are not known, lines that end in CR LF, where the next line begins;
# the row's keys, address and size of its label; then the names, as address and size.
SEEN, NEWS, CRLF, STOP, _KEYS, _LABEL, _SIZE, NAMES = range(8)
# Unknown names noted in one call, as address and size.
NAMES_MOST = 64
FACTS = NAMES + 2 * NAMES_MOST


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


_TAG_, _PLACE_, _LAST_ = _signed(_TAG), _signed(_PLACE), _signed(_LAST)


@inline
def _term(found: int, tag: int, place: int) -> int:
    """Return the term of a text, as `hashing.terms` does."""
    mixed = times(found ^ times(tag, _TAG_), times(2 * place + 1, _PLACE_))
    return times(mixed ^ shift(mixed, 32), _LAST_)


@inline
def _text(
    at: int, close: int, wide: int, escapes: int, units: int, spare: int
) -> tuple[int, int, int, int, int]:
    """Return digest, characters, flaw, address and size of a text in its canonical form."""
    size, half = close - at, 0
    if units:
        size, escapes, half = canonical(at, size, spare)
        if size < 0:
            return 0, 0, DOUBTFUL, spare, 0
        at = spare
    count = size
    if wide or units:
        count = characters(at, size)
        if count < 0:
            return 0, 0, DOUBTFUL, at, 0
    if half:
        return 0, 0, HALF, at, size
    first = load1(at)
    if (first < 33 or first > 126 or first == 92 or size == 0) and is_blank(at, size):
        return digest(at, size), count - escapes, EMPTY, at, size
    return digest(at, size), count - escapes, FINE, at, size


@inline
def _other(at: int) -> tuple[int, int]:
    """Return where a value ends that is no text, and its flaw; WRONG where it is not plain."""
    return scalar(at), NULL if load4(at) == NULL_WORD else NOT_TEXT


@inline
def _extra(at: int, spare: int) -> int:
    """Return where the value of a key that is not used ends; WRONG where it is not plain."""
    if load1(at) != _QUOTE:
        return scalar(at)
    close, wide, escapes, units = string(at + 1)
    if close == WRONG:
        return WRONG
    size = close - at - 1
    if units:
        size, escapes, half = canonical(at + 1, size, spare)
        if size < 0 or half or characters(spare, size) < 0:
            return WRONG
    elif wide and characters(at + 1, size) < 0:
        return WRONG
    return close + 1


@inline
def _name(at: int) -> int:
    """Return where the name of a key ends that begins at a quote; WRONG where it has escapes."""
    if load1(at) != _QUOTE:
        return WRONG
    close, wide, escapes, units = string(at + 1)
    return WRONG if escapes or units else close


@inline
def _colon(at: int) -> int:
    """Return where the value behind a name's closing quote begins; WRONG where no colon is."""
    at = space(at + 1)
    return space(at + 1) if load1(at) == _COLON else WRONG


@inline
def _message(at: int, keys: int, roles: int, spare: int) -> tuple[int, int, int, int, int]:
    """Read the object of role and content that begins at a place.

    Returns
    -------
    at, role, digest, chars, flaw : int
        The place behind it, WRONG where it is not plain: then the next is a place in it.
    """
    role, text, count, flaw, seen = 0, 0, 0, FINE, 0
    if load1(at) != _OPEN:
        return WRONG, at, 0, 0, 0
    for turn in range(2):
        at = space(at + 1)
        close = _name(at)
        if close == WRONG:
            return WRONG, at, 0, 0, 0
        key = number_of(keys, at + 1, close - at - 1)
        at = _colon(close)
        if at == WRONG or key == seen:
            return WRONG, close, 0, 0, 0
        seen = key
        if load1(at) != _QUOTE:
            end, flaw = _other(at)
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
                text, count, flaw, _, _ = _text(at, close, wide, escapes, units, spare)
            if flaw == DOUBTFUL or (key == ROLE and role == 0) or (key != ROLE and key != CONTENT):
                return WRONG, close, 0, 0, 0
            end = close + 1
        at = space(end)
        if load1(at) != (_COMMA if turn == 0 else _CLOSE):
            return WRONG, at, 0, 0, 0
    return at + 1, role, text, count, flaw


@inline
def _turns(at: int, keys: int, roles: int, spare: int) -> tuple[int, int, int, int, int]:
    """Read the list of messages that begins at a place.

    Returns
    -------
    at, content, prompt, chars, flaws : int
        The place behind it, WRONG where it is not plain or the roles have no usual order: then
        the next is a place in it.
    """
    content, before, chars, flaws, place, last = 0, 0, 0, 0, 0, 0
    while True:
        at, role, text, count, flaw = _message(space(at + 1), keys, roles, spare)
        if at == WRONG:
            return WRONG, role, 0, 0, 0
        if role > ASSISTANT or role == last or (role == SYSTEM and place > 0):
            return WRONG, at, 0, 0, 0
        if flaw:
            if place >= _COUNTED:
                return WRONG, at, 0, 0, 0
            flaws += flaw
        before = content
        content = plus(content, _term(text, role, place))
        chars += count
        place += 1
        last = role
        at = space(at)
        if load1(at) == _COMMA:
            continue
        if load1(at) != _LIST_END or last != ASSISTANT:
            return WRONG, at, 0, 0, 0
        return at + 1, content, before, chars, flaws


@inline
def _chat(at: int, keys: int, roles: int, spare: int, facts: int) -> tuple[int, int, int, int, int]:
    """Read the conversation that begins behind a brace; see `_turns` for what it returns."""
    content, prompt, chars, flaws, known = 0, 0, 0, 0, 0
    while True:
        at = space(at)
        close = _name(at)
        if close == WRONG:
            return WRONG, at, 0, 0, 0
        number = number_of(keys, at + 1, close - at - 1)
        if number < FIRST_COLUMN:
            if number == 0:
                _note(facts, at + 1, close - at - 1)
            return WRONG, close, 0, 0, 0
        if (known >> number) & 1:
            return WRONG, close, 0, 0, 0
        known |= 1 << number
        at = _colon(close)
        if at == WRONG:
            return WRONG, close, 0, 0, 0
        if number == FIRST_COLUMN:
            if load1(at) != _LIST:
                return WRONG, at, 0, 0, 0
            at, content, prompt, chars, flaws = _turns(at, keys, roles, spare)
            if at == WRONG:
                return WRONG, content, 0, 0, 0
        else:
            begin = at
            at = _extra(at, spare)
            if at == WRONG:
                return WRONG, begin, 0, 0, 0
        at = space(at)
        if load1(at) == _COMMA:
            at += 1
            continue
        if load1(at) != _CLOSE:
            return WRONG, at, 0, 0, 0
        if not (known >> FIRST_COLUMN) & 1:
            flaws = MISSING
        store8(facts + 8 * _KEYS, known)
        return at + 1, content, prompt, chars, flaws


@inline
def _note(facts: int, at: int, size: int) -> None:
    """Note a name that is not known, for the layout to learn."""
    count = load8(facts + 8 * NEWS)
    if count < NAMES_MOST:
        store8(facts + 8 * (NAMES + 2 * count), at)
        store8(facts + 8 * (NAMES + 2 * count + 1), size)
        store8(facts + 8 * NEWS, count + 1)


@inline
def _flat(
    at: int, keys: int, must: int, answers: int, labelled: int, spare: int, facts: int
) -> tuple[int, int, int, int, int]:
    """Read the row of columns that begins behind a brace; see `_turns` for what it returns."""
    content, prompt, chars, flaws, known = 0, 0, 0, 0, 0
    while True:
        at = space(at)
        close = _name(at)
        if close == WRONG:
            return WRONG, at, 0, 0, 0
        number = number_of(keys, at + 1, close - at - 1)
        if number == 0:
            _note(facts, at + 1, close - at - 1)
            return WRONG, close, 0, 0, 0
        if (known >> number) & 1:
            return WRONG, close, 0, 0, 0
        known |= 1 << number
        at = _colon(close)
        if at == WRONG:
            return WRONG, close, 0, 0, 0
        if number >= FIRST_EXTRA:
            begin = at
            at = _extra(at, spare)
            if at == WRONG:
                return WRONG, begin, 0, 0, 0
        else:
            required, answer = (must >> number) & 1, (answers >> number) & 1
            if load1(at) != _QUOTE:
                end, flaw = _other(at)
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
                text, count, flaw, place, size = _text(at, close, wide, escapes, units, spare)
                if flaw == DOUBTFUL:
                    return WRONG, close, 0, 0, 0
                if flaw != EMPTY or required:
                    flaws += flaw
                chars += count
                if size:
                    term = _term(text, number, 0)
                    content = plus(content, term)
                    if not answer:
                        prompt = plus(prompt, term)
                if answer:
                    store8(facts + 8 * _LABEL, place)
                    store8(facts + 8 * _SIZE, size)
                    if units:
                        spare += size
                at = close + 1
        at = space(at)
        if load1(at) == _COMMA:
            at += 1
            continue
        if load1(at) != _CLOSE:
            return WRONG, at, 0, 0, 0
        flaws += MISSING * ones(must & ~known)
        store8(facts + 8 * _KEYS, known)
        return at + 1, content, prompt, chars, flaws


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
        Address of `FACTS` words, all 0 but the first: what is known beside the rows.
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
        if load1(at) == _OPEN:
            if chat:
                at, content, prompt, chars, flaws = _chat(at + 1, keys, roles, spare, facts)
            else:
                at, content, prompt, chars, flaws = _flat(
                    at + 1, keys, must, answers, labels, spare, facts
                )
            if at == WRONG:
                at = content
            else:
                at = space(at)
                good = load1(at) == 10 or (load1(at) == 13 and load1(at + 1) == 10)
                if good:
                    seen = facts + 8 * SEEN
                    store8(seen, load8(seen) | load8(facts + 8 * _KEYS))
                    store8(found + 8 * (5 * room + row), flaws)
                    good = flaws == 0
        at = line_end(at)
        stop = at
        if stop > start and load1(stop - 1) == 13:
            stop -= 1
            lines += 1
        if good:
            if labels:
                place, size = load8(facts + 8 * _LABEL), load8(facts + 8 * _SIZE)
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
