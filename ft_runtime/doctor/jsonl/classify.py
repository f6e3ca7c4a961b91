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
from ft_runtime.doctor.jsonl.hints import has_keys, is_risky
from ft_runtime.doctor.jsonl.layout import ROLES, Layout
from ft_runtime.doctor.jsonl.turns import ANSWERS, order_problems

# How a text in JSON begins that shows something for sure: no white space, escape or quote.
_VISIBLE = frozenset(b'"%c' % byte for byte in range(33, 127) if byte not in b'\\"')
_DEEPEST = 500
_LONGEST_NUMBER = 15  # no number so short, without an exponent, is out of range


class NotJsonError(ValueError):
    """The line is no JSON; which kind of none, is for `parse` to say."""


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
    import msgspec

    if line[:1] not in b"{[" or (is_risky(line) if risky is None else risky):
        return None
    chat, key = layout.chat, layout.columns[0].actual
    read, read_list = _readers(key if chat else "")
    listed = line[:1] == b"["
    try:
        value = read_list(line) if listed else read(line)
        if not line.isascii():
            line.decode()
    except msgspec.ValidationError:
        return None
    except msgspec.DecodeError as error:
        return _not_json(line, str(error))
    except (UnicodeDecodeError, RecursionError, ValueError):
        return None
    if not chat:
        return None if listed else _flat(line, value, layout, seen)
    rows = value if listed else [value]
    found = [_chat(row.messages) for row in rows]
    if None in found or not _written(line, rows, key, listed):
        return None
    return ["not_an_object"] if listed else found[0]


def _not_json(line: bytes, error: str) -> list[str] | None:
    """Return the code of a line that the parser refused, where its words leave no doubt."""
    if "trailing comma" in error:
        code = "invalid_json"
    elif "trailing characters" in error:
        code = "two_values"
    else:
        raise NotJsonError
    # What is looked at before the grammar; and `parse` refuses values that are nested deeper.
    if b"\0" in line or line.count(b"[") + line.count(b"{") > _DEEPEST:
        raise NotJsonError
    try:
        line.decode()
    except UnicodeDecodeError:
        raise NotJsonError from None
    return [code]


@cache
def _readers(key: str) -> tuple[Callable[[bytes], Any], Callable[[bytes], Any]]:
    """Return what reads a row and a list of rows; of conversations where a key is given."""
    import msgspec

    row: Any = dict[str, msgspec.Raw]
    if key:
        parts: Any = [("role", str), ("content", msgspec.Raw)]
        message: Any = msgspec.defstruct("Message", parts)
        row = msgspec.defstruct("Row", [("messages", list[message])], rename={"messages": key})
    return msgspec.json.Decoder(row).decode, msgspec.json.Decoder(list[row]).decode


def _written(line: bytes, rows: list[Any], key: str, listed: bool) -> bool:
    """Return whether a line has the keys of these rows and no other, and none twice.

    A line that is what tools write of the rows has not.
    """
    texts = []
    for row in rows:
        parts = [_head(m.role) + bytes(m.content) for m in row.messages]
        end = b"}]}" if parts else b"]}"
        texts.append(b'{"%b": [' % key.encode() + b"}, ".join(parts) + end)
    same = b", ".join(texts)
    if (b"[" + same + b"]" if listed else same) == line:
        return True
    return has_keys(line, sum(1 + 2 * len(row.messages) for row in rows))


@lru_cache(maxsize=256)
def _head(role: str) -> bytes:
    return b'{"role": "%b", "content": ' % role.encode()


def _chat(messages: list[Any]) -> list[str] | None:
    if not messages:
        return ["no_messages"]
    codes: list[str] = []
    roles = [ROLES.get(message.role, 0) for message in messages]
    if 0 in roles:
        names = [m.role for m, role in zip(messages, roles, strict=True) if not role]
        codes += ["role_case" if n.strip().lower() in ROLES else "unknown_role" for n in names]
    for message, role in zip(messages, roles, strict=True):
        content = bytes(message.content)
        if content[:2] not in _VISIBLE:
            code = _text(content, role not in ANSWERS)
            if code is None:
                return None
            if code:
                codes.append(code)
    return codes + [problem.code for problem in order_problems(roles, [], "")]


def _flat(
    line: bytes, value: dict[str, Any], layout: Layout, seen: Collection[str]
) -> list[str] | None:
    if not has_keys(line, len(value)):
        return None
    if any(key not in layout.used and key not in seen for key in value):
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
        code = _text(content, column.required)
        if code is None:
            return None
        if code:
            codes.append(code)
    # What is not used must be sound too, and a number in it not out of range.
    used = layout.used
    return (
        None
        if any(_text(bytes(value[k]), False) is None for k in value if k not in used)
        else codes
    )


def _text(content: bytes, required: bool) -> str | None:
    """Return what is wrong with a text in JSON form: "" for nothing, None for not sure."""
    first = content[:1]
    if first == b'"':
        if not required or content[:2] in _VISIBLE:
            return ""
        if _shows(content):
            return ""
        text = decoded(content[1:-1])
        return None if text is None else "empty_field" if is_blank(text) else ""
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
