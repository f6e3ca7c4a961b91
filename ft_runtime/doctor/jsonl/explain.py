"""The slow path: everything that is wrong with one row, each with its place and in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from xxhash import xxh3_64_intdigest

from ft_runtime.doctor import hashing
from ft_runtime.doctor.blank import BLANK, is_blank
from ft_runtime.doctor.jsonl.escapes import CONTROL, json_bytes
from ft_runtime.doctor.jsonl.layout import ASSISTANT, ROLES, SHAREGPT, SYSTEM, USER, Layout
from ft_runtime.doctor.jsonl.parse import parse, shorten
from ft_runtime.doctor.problems import Problem, is_error

# Text, more bytes, what it is (role or column), place, and whether it is the answer.
Piece = tuple[str, bytes, int, int, bool]
_KNOWN = {"role", "content", "from", "value", "tool_calls", "tool_call_id", "name"}
_NAMES = {dict: "object", list: "list", str: "text", bool: "true/false", int: "number"}
_NAMES |= {float: "number", type(None): "null"}


@dataclass
class Explained:
    """One row looked at in full.

    Attributes
    ----------
    problems : list of Problem
    content, prompt : int
        See `hashing`; 0 when the row is broken.
    chars : int
    whole, risky : bool
        See `parse.Parsed`.
    label : bytes or None
        Of a classification row, in canonical JSON form.
    extras : set of str
        Keys of the row that are not used.
    """

    problems: list[Problem] = field(default_factory=list)
    content: int = 0
    prompt: int = 0
    chars: int = 0
    whole: bool = False
    risky: bool = True
    label: bytes | None = None
    extras: set[str] = field(default_factory=set)

    @property
    def fine(self) -> bool:
        """Whether the row can be used."""
        return not self.problems or not any(is_error(each.code) for each in self.problems)


def explain(
    line: bytes, layout: Layout, risky: bool | None = None, *, sound: bool = True
) -> Explained:
    """Return everything that there is to say about one line.

    Parameters
    ----------
    line : bytes
        Without its line end.
    layout : Layout
    risky, sound
        See `parse.parse`.
    """
    parsed = parse(line, risky, sound=sound)
    value = parsed.value
    row = Explained(parsed.problems, whole=parsed.whole, risky=parsed.risky)
    if not parsed.sound:
        return row
    if not isinstance(value, dict):
        row.problems.append(Problem("not_an_object", values={"got": kind(value)}))
        return row
    used = layout.used
    if not value.keys() <= used:
        row.extras = {shorten(key) for key in value if key not in used}
    pieces = _chat(value, layout, row) if layout.chat else _flat(value, layout, row)
    if not row.fine:
        row.chars, row.label = 0, None
        return row
    write = json_bytes()
    for text, more, tag, place, answer in pieces:
        plain = write(text)[1:-1] + more
        term = hashing.term(xxh3_64_intdigest(plain), tag, place)
        row.content += term
        row.prompt += 0 if answer else term
    row.content %= 2**64
    row.prompt %= 2**64
    return row


def kind(value: Any) -> str:
    """Return the word for the type of a JSON value."""
    return _NAMES.get(type(value), type(value).__name__)


def _text(value: Any, path: str, row: Explained, required: bool = True) -> str | None:
    """Return a text that can be used, after noting what is wrong with it."""
    add = row.problems.append
    if value is None:
        add(Problem("null_field", path))
    elif isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        add(Problem("content_parts", path, {"count": len(value)}))
    elif not isinstance(value, str):
        add(Problem("not_text", path, {"got": kind(value)}))
    elif required and is_blank(value):
        add(Problem("empty_field", path, {"length": len(value)}))
    elif not row.whole and (place := _half(value)):
        add(Problem("lone_surrogate", path, {"position": place}))
    else:
        if row.risky and (match := CONTROL.search(value)):
            add(Problem("control_characters", path, {"example": repr(match[0])}))
        row.chars += len(value)
        return value
    return None


def _half(text: str) -> int:
    """Return where half of a surrogate pair stands, counted from 1; 0 for nowhere."""
    if text.isascii():
        return 0
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start + 1
    return 0


def _flat(value: dict[str, Any], layout: Layout, row: Explained) -> list[Piece]:
    pieces: list[Piece] = []
    for column in layout.columns:
        if column.actual not in value:
            if column.required:
                row.problems.append(
                    Problem("missing_field", column.actual, {"name": column.actual})
                )
            continue
        content = value[column.actual]
        if content is None and not column.required:
            continue
        is_label = layout.format == "csv_classification" and column.answer
        if is_label:
            content = _label(content, column.actual, row)
        text = _text(content, column.actual, row, column.required)
        if text is None:
            continue
        if is_label:
            row.label = json_bytes()(text)[1:-1]
        if text or column.required:
            pieces.append((text, b"", column.number, 0, column.answer))
    return pieces


def _label(value: Any, path: str, row: Explained) -> Any:
    """Return a label as text: whole numbers and true/false are names of classes too."""
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, int):
        value = str(value) if abs(value) < 10**50 else value
    else:
        return value
    row.problems.append(Problem("label_not_text", path, {"example": str(value)}))
    return value


def _chat(value: dict[str, Any], layout: Layout, row: Explained) -> list[Piece]:
    add = row.problems.append
    key = layout.columns[0].actual
    pieces: list[Piece] = []
    if key not in value:
        add(Problem("missing_field", key, {"name": key}))
        return pieces
    messages = value[key]
    if not isinstance(messages, list):
        add(Problem("messages_not_list", key, {"got": kind(messages)}))
        return pieces
    if not messages:
        add(Problem("no_messages", key))
        return pieces
    roles: list[int] = []
    calls, final = 0, len(messages) - 1
    for i, message in enumerate(messages):
        role = _usual(message, row.risky)
        if role and (row.whole or not _half(message["content"])):
            roles.append(role)
            row.chars += len(message["content"])
            answer = i == final and role == ASSISTANT
            pieces.append((message["content"], b"", role, i, answer))
            continue
        path = f"{key}[{i}]"
        if not isinstance(message, dict):
            add(Problem("message_not_object", path, {"got": kind(message)}))
            roles.append(0)
            continue
        role = _role(message, path, row)
        roles.append(role)
        called = bool(message.get("tool_calls"))
        calls += called
        found = _content(message, path, row, called)
        if unused := message.keys() - _KNOWN:
            names = ", ".join(sorted(map(shorten, unused))[:5])
            add(Problem("unused_keys", path, {"names": names}))
        if found is not None and role:
            pieces.append((*found, role, i, i == final and role == ASSISTANT))
    row.problems += order_problems(roles, calls, key)
    return pieces


def _usual(message: Any, risky: bool) -> int:
    """Return the role of a message that is plainly fine, else 0."""
    if type(message) is not dict or len(message) != 2:
        return 0
    role, text = message.get("role"), message.get("content")
    if type(role) is not str or type(text) is not str or not text or text[0] in BLANK:
        return 0
    if risky and CONTROL.search(text):
        return 0
    return ROLES.get(role, 0)


def _role(message: dict[str, Any], path: str, row: Explained) -> int:
    add = row.problems.append
    names, place = ROLES, "role"
    if "role" not in message and "from" in message:
        names, place = SHAREGPT | ROLES, "from"
    if place not in message:
        add(Problem("missing_role", path))
        return 0
    role = message[place]
    if not isinstance(role, str):
        add(Problem("role_not_text", f"{path}.{place}", {"got": kind(role)}))
        return 0
    if role in names:
        return names[role]
    near = role.strip().lower()
    if near in names:
        add(Problem("role_case", f"{path}.{place}", {"got": shorten(role), "role": near}))
    else:
        known = ", ".join(ROLES)
        add(Problem("unknown_role", f"{path}.{place}", {"got": shorten(role), "roles": known}))
    return 0


def _content(
    message: dict[str, Any], path: str, row: Explained, called: bool
) -> tuple[str, bytes] | None:
    """Return the text of a message, and its calls of tools in a form that can be compared."""
    place = "content" if "content" in message or "value" not in message else "value"
    if called:
        calls = message["tool_calls"]
        if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
            row.problems.append(Problem("bad_tool_calls", path, {"got": kind(calls)}))
            return None
        try:
            import msgspec

            made = msgspec.json.encode(calls, order="deterministic")
        except (UnicodeError, ValueError, RecursionError):
            made = b""
        if message.get(place) in (None, ""):
            return "", made
        text = _text(message[place], f"{path}.{place}", row)
        return None if text is None else (text, made)
    if place not in message:
        row.problems.append(Problem("missing_content", path))
        return None
    text = _text(message[place], f"{path}.{place}", row)
    return None if text is None else (text, b"")


def order_problems(roles: list[int], calls: int, key: str) -> list[Problem]:
    """Return what is unusual in the order of the roles."""
    found: list[Problem] = []
    add = found.append
    if ASSISTANT not in roles:
        if 0 not in roles:
            add(Problem("no_assistant", key))
        return found
    systems = roles.count(SYSTEM)
    if systems > 1:
        add(Problem("several_systems", key))
    elif systems and roles[0] != SYSTEM:
        add(Problem("system_not_first", key))
    last = 0
    for i, role in enumerate(roles):
        if role == last and role in (USER, ASSISTANT):
            add(Problem("same_role_twice", f"{key}[{i}]"))
            break
        last = role
    last = roles[-1]
    if last != ASSISTANT and last:
        name = next(name for name, number in ROLES.items() if number == last)
        add(Problem("last_not_assistant", f"{key}[{len(roles) - 1}]", {"role": name}))
    if calls and not {ROLES["tool"], ROLES["function"]} & set(roles):
        add(Problem("call_without_answer", key))
    return found
