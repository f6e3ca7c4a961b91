"""Chat: a list of messages, each with a role and a content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ft_runtime.data.formats.base import Fields, Format
from ft_runtime.doctor.jsonl.value import PART_KEYS

_KEPT = ("role", "content", "tool_calls", "tool_call_id", "name")
# How ShareGPT files name the roles (keys "from" and "value").
_SHAREGPT = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant"}


def fields(values: Mapping[str, Any]) -> Fields:
    """Return the messages; texts are kept exactly as they stand.

    ShareGPT turns (``from``/``value``) become ``role``/``content`` with the usual role names. A
    message keeps role, content and what tool calls need; a content in parts stays in parts, each
    with its type and text.
    """
    messages = []
    for item in values["messages"]:
        if _is_canonical(item):
            messages.append(item)
            continue
        message = item if "role" in item and "content" in item else _canonical(item)
        kept = {key: message[key] for key in _KEPT if key in message}
        if isinstance(kept.get("content"), list):
            kept["content"] = [{key: part[key] for key in PART_KEYS} for part in kept["content"]]
        messages.append(kept)
    return {"messages": messages}


def texts(message: Mapping[str, Any]) -> list[str]:
    """Return what a message says: one text, one for each part, or none."""
    content = message.get("content")
    if isinstance(content, list):
        return [part["text"] for part in content]
    return [content] if content else []


def said(message: Mapping[str, Any]) -> str:
    """Return what a message says in words, parts joined; a message that only calls says nothing."""
    return "".join(texts(message))


def plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with every content in parts as the text that it says: to compare rows."""
    messages = [
        {**message, "content": said(message)}
        if isinstance(message.get("content"), list)
        else message
        for message in fields["messages"]
    ]
    return {**fields, "messages": messages}


def _is_canonical(message: Mapping[str, Any]) -> bool:
    """Tell most messages that need no change: `fields` would make them anew as they are."""
    if (*message,) != _KEPT[:2]:
        return False
    content = message["content"]
    return type(content) is str or (
        type(content) is list and all((*part,) == PART_KEYS for part in content)
    )


def _canonical(turn: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ShareGPT turn as a message."""
    message = {key: value for key, value in turn.items() if key not in ("from", "value")}
    if "role" not in turn:
        message = {"role": _SHAREGPT.get(turn["from"], turn["from"]), **message}
    if "value" in turn and "content" not in turn:
        message["content"] = turn["value"]
    return message


def prompt(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the turns before the last answer: two rows that share them ask the same."""
    messages = plain(fields)["messages"]
    turns = [(message["role"], message.get("content")) for message in messages]
    last = max(index for index, turn in enumerate(turns) if turn[0] == "assistant")
    return tuple(turns[:last])


FORMAT = Format(
    name="jsonl_chat", required=("messages",), optional=(), fields=fields, prompt=prompt
)
