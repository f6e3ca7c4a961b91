"""Which kinds of problems a row has, without the words: for rows of a kind that was told enough.

A log keeps a few hundred problems of each kind and counts the others. For those a row is only
counted, and that takes a third of the time: texts are not decoded, and no place is noted. What is
not surely what `explain` would say is left to it (a test holds the two together).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache, lru_cache
from typing import Any

from ft_runtime.doctor.blank import BLANK, is_blank
from ft_runtime.doctor.jsonl.escapes import decoded
from ft_runtime.doctor.jsonl.faults import HALF, Mended, is_utf8, mended, not_json
from ft_runtime.doctor.jsonl.hints import has_keys, is_risky
from ft_runtime.doctor.jsonl.layout import ROLES, Layout
from ft_runtime.doctor.jsonl.turns import ANSWERS, order_problems

# How a text in JSON begins that shows something for sure: no white space, escape or quote.
_VISIBLE = frozenset(b'"%c' % byte for byte in range(33, 127) if byte not in b'\\"')
_JSON = frozenset(("invalid_json", "two_values", "cut_line"))  # nothing else is said beside
_LONGEST_NUMBER = 15  # no number so short, without an exponent, is out of range


def classify(
    line: bytes, layout: Layout, risky: bool | None, seen: Collection[str]
) -> list[str] | None:
    """Return the codes of a row's problems, or None where they are not sure.

    Parameters
    ----------
    line : bytes
        Without its line end.
    layout : Layout
    risky : bool, optional
        See `hints.is_risky`, where it is known already.
    seen : collection of str
        Columns that are known to be there and not used.

    Raises
    ------
    NotJsonError
    """
    if b"\0" in line:
        return ["nul_bytes"]
    if line[:1] not in (b"{", b"["):
        return _no_container(line)
    if line[:2] == b"{'":
        return ["python_literal"] if line[-1:] == b"}" and is_utf8(line) else None
    if is_risky(line) if risky is None else risky:
        return None
    return _classify(line, layout, seen)


def _classify(
    line: bytes, layout: Layout, seen: Collection[str], halves: bool = False
) -> list[str] | None:
    """Classify a line that begins like a row; `halves`: `HALF` stands for half a character."""
    import msgspec

    chat, key = layout.chat, layout.columns[0].actual
    read, read_list, _ = _readers(key if chat else "")
    listed = line[:1] == b"["
    try:
        value = read_list(line) if listed else read(line)
        if not line.isascii():
            line.decode()
    except msgspec.ValidationError:
        return _no_chat(line, key, seen) if chat and not listed else None
    except msgspec.DecodeError as error:
        whole = mended(line, str(error))
        if whole and whole.halves and not halves and HALF in line:
            return None  # which of them stand for a half is not to be told
        if whole:
            return _mended(whole, layout, seen, halves)
        return not_json(line, str(error))
    except (UnicodeDecodeError, RecursionError, ValueError):
        return None
    if not chat:
        return None if listed else _flat(line, value, layout, seen, halves)
    rows = value if listed else [value]
    written: list[bytes] = []
    found = [_chat(row.messages, halves, written, _frame(key)) for row in rows]
    if None in found or not (
        _same(line, written, listed)
        or has_keys(line, sum(1 + 2 * len(row.messages) for row in rows))
        or (not listed and _more_keys(line, value, key, seen))
    ):
        return None
    return ["not_an_object"] if listed else found[0]


def _no_container(line: bytes) -> list[str] | None:
    if not line.strip(b" \t\r"):
        return ["blank_line"]
    return ["not_an_object"] if line in (b"null", b"true", b"false") else None


def _mended(found: Mended, layout: Layout, seen: Collection[str], halves: bool) -> list[str] | None:
    """Classify what is left when the fault that the parser stopped at is taken out."""
    codes = _classify(found.line, layout, seen, halves or found.halves)
    if codes is None or found.halves:
        return codes
    # Where a role was no number, the word in its place would be another fault.
    if not {"unknown_role", "role_case"}.isdisjoint(codes):
        return None
    return [*codes, found.code] if _JSON.isdisjoint(codes) else codes


@cache
def _readers(key: str) -> tuple[Callable[[bytes], Any], ...]:
    """Return what reads a row, a list of rows, and a row with all its keys.

    Of conversations where a key is given.
    """
    import msgspec

    whole: Any = dict[str, msgspec.Raw]
    row: Any = whole
    if key:
        parts: Any = [("role", str), ("content", msgspec.Raw)]
        message: Any = msgspec.defstruct("Message", parts)
        row = msgspec.defstruct("Row", [("messages", list[message])], rename={"messages": key})
    return tuple(msgspec.json.Decoder(each).decode for each in (row, list[row], whole))


def _same(line: bytes, written: list[bytes], listed: bool) -> bool:
    """Return whether a line is what tools write of its rows: then no key is twice in it."""
    text = b"".join(written[1:])  # the first is what parts two rows
    return (b"[" + text + b"]" if listed else text) == line


@lru_cache(maxsize=256)
def _frame(key: str) -> bytes:
    return b'{"%b": [' % key.encode()


@lru_cache(maxsize=256)
def _head(role: str) -> bytes:
    return b'{"role": "%b", "content": ' % role.encode()


def _more_keys(line: bytes, row: Any, key: str, seen: Collection[str]) -> bool:
    """Return whether a row has, beside its conversation, only keys known to be unused."""
    value = _readers(key)[2](line)
    del value[key]
    return _unused(value, seen) and has_keys(line, 1 + len(value) + 2 * len(row.messages))


def _unused(value: dict[str, Any], seen: Collection[str]) -> bool:
    """Return whether these keys are known to be unused, and their values sound for sure."""
    return all(k in seen and _text(bytes(v), False) is not None for k, v in value.items())


def _no_chat(line: bytes, key: str, seen: Collection[str]) -> list[str] | None:
    """Classify a row whose conversation is missing, or no list."""
    try:
        value = _readers(key)[2](line)
    except ValueError:  # as all errors of the reader are
        return None
    messages = value.pop(key, None)
    sure = _unused(value, seen) and has_keys(line, len(value) + (messages is not None))
    if not sure or not is_utf8(line):
        return None
    if messages is None:
        return ["missing_field"]
    text = bytes(messages)
    return ["messages_not_list"] if text[:1] != b"[" and _text(text, False) is not None else None


def _chat(
    messages: list[Any], halves: bool, written: list[bytes], frame: bytes
) -> list[str] | None:
    """Classify a conversation; `written` gets what tools would write of it."""
    written += (b", ", frame)
    if not messages:
        written.append(b"]}")
        return ["no_messages"]
    codes: list[str] = []
    roles = []
    for message in messages:
        name, content = message.role, bytes(message.content)
        role = ROLES.get(name, 0)
        roles.append(role)
        written += (_head(name), content, b"}, ")
        if not role:
            codes.append("role_case" if name.strip().lower() in ROLES else "unknown_role")
        if content[:2] not in _VISIBLE or halves:
            code = _text(content, role not in ANSWERS, halves)
            if code is None:
                return None
            if code:
                codes.append(code)
    written[-1] = b"}]}"
    return codes + _order(tuple(roles))


@lru_cache(maxsize=1024)
def _order(roles: tuple[int, ...]) -> list[str]:
    return [problem.code for problem in order_problems(list(roles), [], "")]


def _flat(
    line: bytes, value: dict[str, Any], layout: Layout, seen: Collection[str], halves: bool
) -> list[str] | None:
    if not has_keys(line, len(value)):
        return None
    codes: list[str] = []
    for column in layout.columns:
        if column.actual not in value:
            if column.required:
                codes.append("missing_field")
            continue
        content = bytes(value[column.actual])
        if content == b"null" and not column.required:
            continue
        if layout.format == "csv_classification" and column.answer and content[:1] not in b'"n':
            return None
        code = _text(content, column.required, halves)
        if code is None:
            return None
        if code:
            codes.append(code)
    used = layout.used
    unused = {k: v for k, v in value.items() if k not in used}
    return codes if not unused or _unused(unused, seen) else None


def _text(content: bytes, required: bool, halves: bool = False) -> str | None:
    """Return what is wrong with a text in JSON form: "" for nothing, None for not sure."""
    first = content[:1]
    if first == b'"':
        if required and content[:2] not in _VISIBLE and not _shows(content):
            text = decoded(content[1:-1])
            if text is None:
                return None
            if is_blank(text):
                return "empty_field"
        return "lone_surrogate" if halves and HALF in content else ""
    if first == b"n":
        return "null_field"
    if first in b"tf" or _short(content):
        return "not_text"
    return None


def _shows(content: bytes) -> bool:
    """Return whether the first character of a text in JSON form is a visible one."""
    first = content[1]
    if first == 92:
        size = 6 if content[2] == 117 else 2
    else:
        size = 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    character = decoded(content[1 : 1 + size])  # nothing for half of a surrogate pair
    return bool(character) and character not in BLANK


def _short(content: bytes) -> bool:
    """Return whether a value is a word, or a number that is not out of range."""
    if content[:1] in b"{[":
        return False
    return content[:1] in b"tfn" or (
        len(content) <= _LONGEST_NUMBER and b"e" not in content.lower()
    )
