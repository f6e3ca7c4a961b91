"""Chat: a list of messages, each with a role and a content."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ft_runtime.data.formats.base import Format, Parsed
from ft_runtime.data.formats.text import check_value, note_oddities
from ft_runtime.data.places import Place, printable
from ft_runtime.data.read.strict_json import type_name
from ft_runtime.data.tally import Tally
from ft_runtime.findings import Finding, finding

ROLES = ("system", "user", "assistant", "tool")
_KEPT = ("role", "content", "tool_calls", "tool_call_id", "name")
# How ShareGPT files name the roles (keys "from" and "value").
_SHAREGPT = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant"}


def parse(values: Mapping[str, Any], place: Place, tally: Tally) -> Parsed:
    """Check one conversation; texts are kept exactly as they stand.

    ShareGPT turns (``from``/``value``) become ``role``/``content`` with the usual role names, which
    a note tells. A message keeps role, content and what tool calls need; other keys are told of.
    """
    fields = dict(values)
    if "messages" not in values:
        name = place.names.get("messages", "messages")
        return fields, [finding("data.missing_field", place.at(), name=name)]
    raw = values["messages"]
    where = place.at("messages")
    if not isinstance(raw, list):
        return fields, [finding("data.messages_not_list", where, got=type_name(raw))]
    if not raw:
        return fields, [finding("data.no_messages", where)]
    messages: list[dict[str, Any]] = []
    problems: list[Finding] = []
    converted = False
    for index, item in enumerate(raw):
        message, shared = _canonical(item)
        converted |= shared
        found = _check_message(message, index, place)
        problems += found
        if isinstance(message, Mapping):
            messages.append({key: message[key] for key in _KEPT if key in message})
    # A role that cannot be read may be the assistant's.
    roles = [message.get("role") for message in messages]
    if len(messages) == len(raw) and set(map(str, roles)) <= {*ROLES} - {"assistant"}:
        problems.append(finding("data.no_assistant", where))
    if not problems:
        if converted:
            tally.add("data.sharegpt_turns", place)
        _note_doubts(messages, raw, place, tally)
    return {"messages": messages}, problems


def _canonical(item: Any) -> tuple[Any, bool]:
    """Return a ShareGPT turn as a message, any other item as it is; and whether it was a turn."""
    if not isinstance(item, Mapping) or "from" not in item or "role" in item:
        return item, False
    message = {key: value for key, value in item.items() if key not in ("from", "value")}
    role = item["from"]
    message["role"] = _SHAREGPT.get(role, role) if isinstance(role, str) else role
    if "value" in item:
        message["content"] = item["value"]
    return message, True


def _check_message(message: Any, index: int, place: Place) -> list[Finding]:
    where = place.at("messages", f"[{index}]")
    if not isinstance(message, Mapping):
        return [finding("data.message_not_object", where, got=type_name(message))]
    problems = _check_role(message, where)
    calls = message.get("tool_calls")
    if calls is not None and not (
        isinstance(calls, list) and calls and all(isinstance(call, Mapping) for call in calls)
    ):
        problems.append(finding("data.bad_tool_calls", f"{where}.tool_calls", got=type_name(calls)))
    if "content" not in message:
        if not calls:
            problems.append(finding("data.missing_content", where))
        return problems
    content = message["content"]
    # A call needs no words, and a tool may have nothing to say.
    free = bool(calls) or message.get("role") == "tool"
    if not (content is None and calls):
        problems += check_value(content, f"{where}.content", may_be_empty=free)
    return problems


def _check_role(message: Mapping[str, Any], where: str) -> list[Finding]:
    if "role" not in message:
        return [finding("data.missing_role", where)]
    role = message["role"]
    if role in ROLES:
        return []
    where = f"{where}.role"
    if not isinstance(role, str):
        return [finding("data.role_not_text", where, got=type_name(role))]
    plain = role.strip().lower()
    if plain in ROLES:
        return [finding("data.role_case", where, got=printable(role), role=plain)]
    known = {
        **{name: name for name in ROLES},
        **_SHAREGPT,
        "developer": "system",
        "ai": "assistant",
    }
    known |= {"model": "assistant", "function": "tool", "observation": "tool"}
    near = get_close_matches(plain, known, n=1, cutoff=0.7)
    return [
        finding(
            "data.unknown_role",
            where,
            got=printable(role),
            roles=", ".join(ROLES),
            role=known[near[0]] if near else "user",
        )
    ]


def _note_doubts(
    messages: Sequence[Mapping[str, Any]],
    raw: Sequence[Mapping[str, Any]],
    place: Place,
    tally: Tally,
) -> None:
    roles = [message["role"] for message in messages]
    if roles.count("system") > 1:
        tally.add("data.several_systems", place)
    elif "system" in roles[1:]:
        tally.add("data.system_not_first", place)
    pairs = list(itertools.pairwise(roles))
    if any(first == second and first in ("user", "assistant") for first, second in pairs):
        tally.add("data.same_role_twice", place)
    if roles[-1] != "assistant":
        tally.add("data.last_not_assistant", place, role=roles[-1])
    if any(
        message.get("tool_calls") and follower != "tool"
        for message, follower in zip(messages, roles[1:], strict=False)
    ):
        tally.add("data.call_without_answer", place)
    known = {*_KEPT, "from", "value"}
    if unused := sorted({key for item in raw for key in item if key not in known}):
        tally.add("data.unused_keys", place, names=", ".join(printable(key) for key in unused[:5]))
    noted: set[str] = set()
    for message in messages:
        if isinstance(message.get("content"), str):
            note_oddities(message["content"], place, tally, noted)


def prompt(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the turns before the last answer: two rows that share them ask the same."""
    turns = [(message["role"], message.get("content")) for message in fields["messages"]]
    last = max(index for index, turn in enumerate(turns) if turn[0] == "assistant")
    return tuple(turns[:last])


FORMAT = Format(name="jsonl_chat", required=("messages",), optional=(), parse=parse, prompt=prompt)
