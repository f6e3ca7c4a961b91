"""The rules of a conversation: roles, contents, tool calls, and their order."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from ft_runtime.doctor.blank import BLANK
from ft_runtime.doctor.jsonl.escapes import CONTROL
from ft_runtime.doctor.jsonl.layout import ASSISTANT, ROLES, SHAREGPT, SYSTEM, USER, Layout
from ft_runtime.doctor.jsonl.parse import shorten
from ft_runtime.doctor.jsonl.value import (
    Explained,
    Piece,
    half,
    is_parts,
    kind,
    text_of,
    text_of_parts,
)
from ft_runtime.doctor.problems import Problem

_KNOWN = {"role", "content", "from", "value", "tool_calls", "tool_call_id", "name"}
ANSWERS = (ROLES["tool"], ROLES["function"])


def judge_turns(value: dict[str, Any], layout: Layout, row: Explained) -> list[Piece]:
    """Add what is wrong with a conversation, and return its texts; see `explain.judge`."""
    add = row.problems.append
    key = layout.columns[0].actual
    pieces: list[Piece] = []
    if key not in value:
        add(Problem("missing_field", key, {"name": shorten(key)}))
        return pieces
    messages = value[key]
    if not isinstance(messages, list):
        add(Problem("messages_not_list", key, {"got": kind(messages)}))
        return pieces
    if not messages:
        add(Problem("no_messages", key))
        return pieces
    roles: list[int] = []
    calls: list[int] = []
    final, turns = len(messages) - 1, False
    for i, message in enumerate(messages):
        role, text = _usual(message, row.risky)
        if role and (row.whole or not half(text)):
            roles.append(role)
            row.chars += len(text)
            pieces.append((text, b"", role, i, i == final and role == ASSISTANT))
            continue
        path = f"{key}[{i}]"
        if not isinstance(message, dict):
            add(Problem("message_not_object", path, {"got": kind(message)}))
            roles.append(0)
            continue
        turns = turns or ("from" in message and "role" not in message)
        role = _role(message, path, row)
        roles.append(role)
        called = _calls(message, path, row)
        if called:
            calls.append(i)
        found = _content(message, path, row, called, role)
        unused = message.keys() - _KNOWN
        if unused and (unused := {key for key in unused if message[key] is not None}):
            names = ", ".join(sorted(map(shorten, unused))[:5])
            add(Problem("unused_keys", path, {"names": names}))
        if found is not None and role:
            pieces.append((*found, role, i, i == final and role == ASSISTANT))
    if turns:
        add(Problem("sharegpt_turns", key))
    if calls or _unusual(tuple(roles)):
        row.problems += order_problems(roles, calls, key)
    return pieces


@lru_cache(maxsize=1024)
def _unusual(roles: tuple[int, ...]) -> bool:
    return bool(order_problems(list(roles), [], ""))


def _usual(message: Any, risky: bool) -> tuple[int, str]:
    """Return the role of a message that is plainly fine, else 0, and what it says."""
    if type(message) is not dict or len(message) != 2:
        return 0, ""
    role, text = message.get("role"), message.get("content")
    if type(text) is list:
        text = joined(text)
    if type(role) is not str or type(text) is not str or not text or text[0] in BLANK:
        return 0, ""
    if risky and CONTROL.search(text):
        return 0, ""
    return ROLES.get(role, 0), text


def joined(parts: list[Any]) -> str | None:
    """Return what a content says that is nothing but texts in parts; None for any other."""
    texts = []
    for part in parts:
        if type(part) is not dict or len(part) != 2 or part.get("type") != "text":
            return None
        text = part.get("text")
        if type(text) is not str:
            return None
        texts.append(text)
    return "".join(texts)


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
        values = {"got": shorten(role), "roles": known, "role": _nearest(near)}
        add(Problem("unknown_role", f"{path}.{place}", values))
    return 0


@lru_cache(maxsize=256)
def _nearest(role: str) -> str:
    """Return the role that is meant, as far as one can guess."""
    meant = {**{name: name for name in ROLES}, "human": "user", "customer": "user"}
    meant |= dict.fromkeys(("gpt", "chatgpt", "bot", "ai", "model", "agent"), "assistant")
    meant |= {"observation": "tool", "tool_response": "tool", "instruction": "system"}
    near = get_close_matches(role[:40], meant, n=1, cutoff=0.7)
    return meant[near[0]] if near else "user"


def _calls(message: dict[str, Any], path: str, row: Explained) -> bool:
    """Return whether a message calls tools, after noting what is wrong with the calls."""
    calls = message.get("tool_calls")
    if calls is None:
        return False
    if isinstance(calls, list) and calls and all(isinstance(call, dict) for call in calls):
        return True
    row.problems.append(Problem("bad_tool_calls", f"{path}.tool_calls", {"got": kind(calls)}))
    return bool(calls)


def _content(
    message: dict[str, Any], path: str, row: Explained, called: bool, role: int
) -> tuple[str, bytes] | None:
    """Return the text of a message, and its calls of tools in a form that can be compared."""
    place = "content" if "content" in message or "value" not in message else "value"
    made = b""
    if called:
        try:
            import msgspec

            made = msgspec.json.encode(message["tool_calls"], order="deterministic")
        except (UnicodeError, ValueError, RecursionError):
            made = b""
        if message.get(place) is None:
            return "", made
    elif place not in message:
        row.problems.append(Problem("missing_content", path))
        return None
    # A call needs no words, and a tool may have nothing to say.
    needed = not called and role not in ANSWERS
    content, path = message[place], f"{path}.{place}"
    read = text_of_parts if is_parts(content) else text_of
    text = read(content, path, row, needed)
    return None if text is None else (text, made)


def order_problems(roles: list[int], calls: list[int], key: str) -> list[Problem]:
    """Return what is unusual in the order of the roles.

    Parameters
    ----------
    roles : list of int
        0 for one that is broken.
    calls : list of int
        Which messages call tools.
    key : str
        The column.
    """
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
    if any(roles[i + 1] not in ANSWERS for i in calls if i + 1 < len(roles)):
        add(Problem("call_without_answer", key))
    return found
