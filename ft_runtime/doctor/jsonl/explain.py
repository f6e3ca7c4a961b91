"""The slow path: everything that is wrong with one row, each with its place and in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from xxhash import xxh3_64_intdigest

from ft_runtime.doctor import hashing
from ft_runtime.doctor.blank import is_blank
from ft_runtime.doctor.jsonl.layout import ASSISTANT, ROLES, SHAREGPT, SYSTEM, USER, Layout
from ft_runtime.doctor.jsonl.parse import parse, shorten
from ft_runtime.doctor.jsonl.texts import CONTROL, json_bytes
from ft_runtime.doctor.problems import Problem, is_error

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
    label : bytes or None
        Of a classification row, in canonical JSON form.
    extras : set of str
        Keys of the row that are not used.
    """

    problems: list[Problem] = field(default_factory=list)
    content: int = 0
    prompt: int = 0
    chars: int = 0
    label: bytes | None = None
    extras: set[str] = field(default_factory=set)

    @property
    def fine(self) -> bool:
        """Whether the row can be used."""
        return not any(is_error(problem.code) for problem in self.problems)


def explain(line: bytes, layout: Layout) -> Explained:
    """Return everything that there is to say about one line.

    Parameters
    ----------
    line : bytes
        Without its line end.
    layout : Layout
    """
    value, problems, sound = parse(line)
    row = Explained(problems)
    if not sound:
        return row
    if not isinstance(value, dict):
        problems.append(Problem("not_an_object", values={"got": kind(value)}))
        return row
    used = {column.actual for column in layout.columns}
    row.extras = {shorten(key) for key in value if key not in used}
    terms = list(_chat(value, layout, row) if layout.chat else _flat(value, layout, row))
    if row.fine:
        row.content = sum(number for number, _ in terms) % 2**64
        row.prompt = sum(number for number, answer in terms if not answer) % 2**64
    else:
        row.chars, row.label = 0, None
    return row


def kind(value: Any) -> str:
    """Return the word for the type of a JSON value."""
    return _NAMES.get(type(value), type(value).__name__)


def _text(value: Any, path: str, row: Explained, required: bool = True) -> bytes | None:
    """Return the canonical form of a text, after noting what is wrong with it."""
    add = row.problems.append
    if value is None:
        add(Problem("null_field", path))
    elif isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        add(Problem("content_parts", path, {"count": len(value)}))
    elif not isinstance(value, str):
        add(Problem("not_text", path, {"got": kind(value)}))
    elif required and is_blank(value):
        add(Problem("empty_field", path, {"length": len(value)}))
    else:
        try:
            plain = json_bytes()(value)[1:-1]
        except (UnicodeError, ValueError):
            place = next(i for i, c in enumerate(value) if "\ud800" <= c <= "\udfff")
            add(Problem("lone_surrogate", path, {"position": place + 1}))
            return None
        signs = b"\\u00" in plain or b"\\b" in plain or b"\\f" in plain
        if signs and (match := CONTROL.search(value)):
            add(Problem("control_characters", path, {"example": repr(match[0])}))
        row.chars += len(value)
        return plain
    return None


def _flat(value: dict[str, Any], layout: Layout, row: Explained) -> Iterator[tuple[int, bool]]:
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
        if layout.format == "csv_classification" and column.answer:
            content = _label(content, column.actual, row)
        plain = _text(content, column.actual, row, column.required)
        if plain is None:
            continue
        if layout.format == "csv_classification" and column.answer:
            row.label = plain
        if plain or column.required:
            yield hashing.term(xxh3_64_intdigest(plain), column.number, 0), column.answer


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


def _chat(value: dict[str, Any], layout: Layout, row: Explained) -> Iterator[tuple[int, bool]]:
    add = row.problems.append
    key = layout.columns[0].actual
    if key not in value:
        add(Problem("missing_field", key, {"name": key}))
        return
    messages = value[key]
    if not isinstance(messages, list):
        add(Problem("messages_not_list", key, {"got": kind(messages)}))
        return
    if not messages:
        add(Problem("no_messages", key))
        return
    roles: list[int] = []
    calls = 0
    for i, message in enumerate(messages):
        path = f"{key}[{i}]"
        if not isinstance(message, dict):
            add(Problem("message_not_object", path, {"got": kind(message)}))
            roles.append(0)
            continue
        role = _role(message, path, row)
        roles.append(role)
        called = bool(message.get("tool_calls"))
        calls += called
        plain = _content(message, path, row, called)
        if unused := message.keys() - _KNOWN:
            names = ", ".join(sorted(map(shorten, unused))[:5])
            add(Problem("unused_keys", path, {"names": names}))
        if plain is not None and role:
            answer = i == len(messages) - 1 and role == ASSISTANT
            yield hashing.term(xxh3_64_intdigest(plain), role, i), answer
    _order(roles, calls, key, row)


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


def _content(message: dict[str, Any], path: str, row: Explained, called: bool) -> bytes | None:
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
            return made
        plain = _text(message[place], f"{path}.{place}", row)
        return None if plain is None else plain + made
    if place not in message:
        row.problems.append(Problem("missing_content", path))
        return None
    return _text(message[place], f"{path}.{place}", row)


def _order(roles: list[int], calls: int, key: str, row: Explained) -> None:
    """Note what is unusual in the order of the roles."""
    add = row.problems.append
    if ASSISTANT not in roles:
        if 0 not in roles:
            add(Problem("no_assistant", key))
        return
    systems = roles.count(SYSTEM)
    if systems > 1:
        add(Problem("several_systems", key))
    elif systems and roles[0] != SYSTEM:
        add(Problem("system_not_first", key))
    for i in range(1, len(roles)):
        if roles[i] == roles[i - 1] and roles[i] in (USER, ASSISTANT):
            add(Problem("same_role_twice", f"{key}[{i}]"))
            break
    names = {number: name for name, number in ROLES.items()}
    if roles[-1] != ASSISTANT and roles[-1]:
        add(Problem("last_not_assistant", f"{key}[{len(roles) - 1}]", {"role": names[roles[-1]]}))
    if calls and not {ROLES["tool"], ROLES["function"]} & set(roles):
        add(Problem("call_without_answer", key))
