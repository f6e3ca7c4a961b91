"""The plain rows of a block of JSON lines: each byte is read once, by a parser of few forms.

What is accepted here is what `jsonl.plain` accepts, and gets the same numbers; any other line is
only found, for `explain` to look at.
"""

from __future__ import annotations

from ft_runtime.doctor.hashing import _LAST, _PLACE, _TAG
from ft_runtime.doctor.jsonl.layout import ASSISTANT, CONTENT, FIRST_COLUMN, FIRST_EXTRA, ROLE, SYSTEM
from ft_runtime.doctor.kernels.jit import inline, kernel
from ft_runtime.doctor.kernels.lanes import load1, plus, shift, times
from ft_runtime.doctor.kernels.text import canonical, characters, is_blank
from ft_runtime.doctor.kernels.walk import WRONG, line_end, number_of, scalar, space, string
from ft_runtime.doctor.kernels.xxh3 import digest

# What becomes of a row, or a text.
FINE, BLANK, DOUBTFUL = 0, 1, 2
_QUOTE, _COLON, _COMMA, _OPEN, _CLOSE, _LIST, _LIST_END = 34, 58, 44, 123, 125, 91, 93
# Places in the array of what is known beside the rows.
SEEN, NEWS, CRLF, STOP, _KNOWN = 0, 1, 2, 3, 4
FACTS = 5
# Unknown names noted in one call, as address and size.
NEWS_MOST = 64


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


_TAG_, _PLACE_, _LAST_ = _signed(_TAG), _signed(_PLACE), _signed(_LAST)


@inline
def _term(found, tag, place):
    """Return the term of a text, as `hashing.terms` does."""
    mixed = times(found ^ times(tag, _TAG_), times(2 * place + 1, _PLACE_))
    return times(mixed ^ shift(mixed, 32), _LAST_)


@inline
def _text(at, close, wide, escapes, units, spare):
    """Return digest, characters, state, address and size of a text in its canonical form."""
    size = close - at
    if units:
        size, escapes = canonical(at, size, spare)
        if size < 0:
            return 0, 0, DOUBTFUL, spare, 0
        at = spare
    count = size
    if wide or units:
        count = characters(at, size)
        if count < 0:
            return 0, 0, DOUBTFUL, at, 0
    first = load1(at)
    state = FINE
    if first < 33 or first > 126 or first == 92 or size == 0:
        if is_blank(at, size):
            state = BLANK
    return digest(at, size), count - escapes, state, at, size


@inline
def _extra(at, spare):
    """Return where the value of a key that is not used ends; WRONG where it is not plain."""
    if load1(at) != _QUOTE:
        return scalar(at)
    close, wide, escapes, units = string(at + 1)
    if close == WRONG:
        return WRONG
    size = close - at - 1
    if units:
        size, escapes = canonical(at + 1, size, spare)
        if size < 0 or characters(spare, size) < 0:
            return WRONG
    elif wide and characters(at + 1, size) < 0:
        return WRONG
    return close + 1


@inline
def _name(at):
    """Return where the name of a key ends that begins at a quote; WRONG where it has escapes."""
    if load1(at) != _QUOTE:
        return WRONG
    close, wide, escapes, units = string(at + 1)
    return WRONG if escapes or units else close


@inline
def _colon(at):
    """Return where the value behind a name's closing quote begins; WRONG where no colon is."""
    at = space(at + 1)
    return space(at + 1) if load1(at) == _COLON else WRONG


@inline
def _message(at, keys, roles, spare):
    """Read the object of two strings that begins at a place.

    Returns
    -------
    at, role, digest, chars : int
        The place behind it, WRONG where it is not plain.
    """
    role, text, count, seen = 0, 0, 0, 0
    if load1(at) != _OPEN:
        return WRONG, at, 0, 0
    for turn in range(2):
        at = space(at + 1)
        close = _name(at)
        if close == WRONG:
            return WRONG, at, 0, 0
        key = number_of(keys, at + 1, close - at - 1)
        value = _colon(close)
        if value == WRONG or load1(value) != _QUOTE:
            return WRONG, close, 0, 0
        value += 1
        close, wide, escapes, units = string(value)
        if close == WRONG:
            return WRONG, value, 0, 0
        if key == ROLE:
            role = number_of(roles, value, close - value)
            if role == 0:
                return WRONG, close, 0, 0
        elif key == CONTENT:
            text, count, state, _, _ = _text(value, close, wide, escapes, units, spare)
            if state != FINE:
                return WRONG, close, 0, 0
        else:
            return WRONG, close, 0, 0
        if seen == key:
            return WRONG, close, 0, 0
        seen = key
        at = space(close + 1)
        if load1(at) != (_COMMA if turn == 0 else _CLOSE):
            return WRONG, at, 0, 0
    return at + 1, role, text, count


@inline
def _turns(at, keys, roles, spare):
    """Read the list of messages that begins at a place.

    Returns
    -------
    at, content, prompt, chars : int
        The place behind it, WRONG where it is not plain or the roles have no usual order.
    """
    content, before, chars, place, last = 0, 0, 0, 0, 0
    while True:
        at, role, text, count = _message(space(at + 1), keys, roles, spare)
        if at == WRONG:
            return WRONG, role, 0, 0
        if role > ASSISTANT or role == last or (role == SYSTEM and place > 0):
            return WRONG, at, 0, 0
        before = content
        content = plus(content, _term(text, role, place))
        chars += count
        place += 1
        last = role
        at = space(at)
        if load1(at) == _COMMA:
            continue
        if load1(at) != _LIST_END or last != ASSISTANT:
            return WRONG, at, 0, 0
        return at + 1, content, before, chars


@inline
def _chat(at, keys, roles, spare, news, facts):
    """Read the conversation that begins behind a brace; see `_turns` for what it returns."""
    content, prompt, chars, known = 0, 0, 0, 0
    while True:
        at = space(at)
        close = _name(at)
        if close == WRONG:
            return WRONG, at, 0, 0
        number = number_of(keys, at + 1, close - at - 1)
        if number < FIRST_COLUMN:
            if number == 0:
                _note(news, facts, at + 1, close - at - 1)
            return WRONG, close, 0, 0
        if (known >> number) & 1:
            return WRONG, close, 0, 0
        known |= 1 << number
        at = _colon(close)
        if at == WRONG:
            return WRONG, close, 0, 0
        if number == FIRST_COLUMN:
            if load1(at) != _LIST:
                return WRONG, at, 0, 0
            at, content, prompt, chars = _turns(at, keys, roles, spare)
            if at == WRONG:
                return WRONG, content, 0, 0
        else:
            begin = at
            at = _extra(at, spare)
            if at == WRONG:
                return WRONG, begin, 0, 0
        at = space(at)
        if load1(at) == _COMMA:
            at += 1
            continue
        if load1(at) != _CLOSE or not (known >> FIRST_COLUMN) & 1:
            return WRONG, at, 0, 0
        facts[_KNOWN] = known
        return at + 1, content, prompt, chars


@inline
def _note(news, facts, at, size):
    """Note a name that is not known, for the layout to learn."""
    if facts[NEWS] < NEWS_MOST:
        news[2 * facts[NEWS]] = at
        news[2 * facts[NEWS] + 1] = size
        facts[NEWS] += 1


@inline
def _flat(at, keys, must, answers, spare, news, facts, label):
    """Read the row of columns that begins behind a brace; see `_turns` for what it returns."""
    content, prompt, chars, known = 0, 0, 0, 0
    while True:
        at = space(at)
        close = _name(at)
        if close == WRONG:
            return WRONG, at, 0, 0
        number = number_of(keys, at + 1, close - at - 1)
        if number == 0:
            _note(news, facts, at + 1, close - at - 1)
            return WRONG, close, 0, 0
        if (known >> number) & 1:
            return WRONG, close, 0, 0
        known |= 1 << number
        at = _colon(close)
        if at == WRONG:
            return WRONG, close, 0, 0
        if number >= FIRST_EXTRA:
            begin = at
            at = _extra(at, spare)
            if at == WRONG:
                return WRONG, begin, 0, 0
        else:
            if load1(at) != _QUOTE:
                return WRONG, at, 0, 0
            at += 1
            close, wide, escapes, units = string(at)
            if close == WRONG:
                return WRONG, at, 0, 0
            text, count, state, place, size = _text(at, close, wide, escapes, units, spare)
            if state == DOUBTFUL or (state == BLANK and (must >> number) & 1):
                return WRONG, close, 0, 0
            chars += count
            if size:
                term = _term(text, number, 0)
                content = plus(content, term)
                if not (answers >> number) & 1:
                    prompt = plus(prompt, term)
            if (answers >> number) & 1:
                label[0], label[1] = place, size
                if units:
                    spare += size
            at = close + 1
        at = space(at)
        if load1(at) == _COMMA:
            at += 1
            continue
        if load1(at) != _CLOSE or (known & must) != must:
            return WRONG, at, 0, 0
        facts[_KNOWN] = known
        return at + 1, content, prompt, chars


@kernel(
    "int64(int64, int64, boolean, int64, int64, int64, int64, int64, int64[::1], int64[::1],"
    " int64[:, ::1], int64[:, ::1], uint8[::1])"
)
def read_rows(
    block, end, chat, keys, roles, must, answers, spare, news, facts, found, labels, fine
):
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
    news, facts, found, labels, fine : array
        Filled: names that are not known; what is known beside the rows; for each row start, end,
        content, prompt and characters; address and size of its label; whether it is fine.

    Returns
    -------
    int
        How many lines were read; ``facts[STOP]`` is where the next begins.
    """
    at, row = block, 0
    label = news[2 * NEWS_MOST :]
    while at < end and row < fine.size:
        start, good = at, False
        content = prompt = chars = 0
        if load1(at) == _OPEN:
            if chat:
                at, content, prompt, chars = _chat(at + 1, keys, roles, spare, news, facts)
            else:
                at, content, prompt, chars = _flat(
                    at + 1, keys, must, answers, spare, news, facts, label
                )
            if at == WRONG:
                at = content
            else:
                at = space(at)
                good = load1(at) == 10 or (load1(at) == 13 and load1(at + 1) == 10)
        at = line_end(at)
        stop = at
        if stop > start and load1(stop - 1) == 13:
            stop -= 1
            facts[CRLF] += 1
        found[0, row] = start - block
        found[1, row] = stop - block
        if good:
            facts[SEEN] |= facts[_KNOWN]
            found[2, row], found[3, row], found[4, row] = content, prompt, chars
            if labels.shape[0]:
                labels[0, row], labels[1, row] = label[0], label[1]
                if label[0] == spare:
                    spare += label[1]
        else:
            found[2, row] = found[3, row] = found[4, row] = 0
        fine[row] = good
        row += 1
        at += 1
    facts[STOP] = at - block
    return row
