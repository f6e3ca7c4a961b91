"""Chat: a list of messages, each with a role and a content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ft_runtime.data.formats.base import Fields, Format

_KEPT = ("role", "content", "tool_calls", "tool_call_id", "name")
# How ShareGPT files name the roles (keys "from" and "value").
_SHAREGPT = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant"}


def fields(values: Mapping[str, Any]) -> Fields:
    """Return the messages; texts are kept exactly as they stand.

    ShareGPT turns (``from``/``value``) become ``role``/``content`` with the usual role names. A
    message keeps role, content and what tool calls need.
    """
    messages = []
    for item in values["messages"]:
        message = item if "role" in item and "content" in item else _canonical(item)
        messages.append({key: message[key] for key in _KEPT if key in message})
    return {"messages": messages}


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
    turns = [(message["role"], message.get("content")) for message in fields["messages"]]
    last = max(index for index, turn in enumerate(turns) if turn[0] == "assistant")
    return tuple(turns[:last])


FORMAT = Format(
    name="jsonl_chat", required=("messages",), optional=(), fields=fields, prompt=prompt
)
