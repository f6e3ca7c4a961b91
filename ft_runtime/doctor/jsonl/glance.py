"""Rows with nothing to say about, told at a glance: nearly all that a run reads are such."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ft_runtime.doctor.blank import BLANK
from ft_runtime.doctor.jsonl.escapes import CONTROL
from ft_runtime.doctor.jsonl.layout import ROLES, Layout
from ft_runtime.doctor.jsonl.turns import joined, order_problems

# A text that begins so may show nothing.
_UNSURE = BLANK | {""}
_TURN = ["role", "content"]

Glance = Callable[[dict[str, Any], bool], bool]


def glance(layout: Layout) -> Glance:
    """Return what tells whether `explain.judge` would find nothing in a row.

    Parameters
    ----------
    layout : Layout

    Returns
    -------
    callable
        ``(value, risky) -> bool`` of an object without halves of surrogate pairs. False is no
        verdict. The messages of a conversation that pass have ``role`` and ``content``, in this
        order, and nothing else.
    """
    return _conversation(layout) if layout.chat else _texts(layout)


def _conversation(layout: Layout) -> Glance:
    key = layout.columns[0].actual

    def fine(value: dict[str, Any], risky: bool) -> bool:
        messages = value.get(key)
        if type(messages) is not list or risky:
            return False
        roles = []
        for message in messages:
            if type(message) is not dict or [*message] != _TURN:
                return False
            role, text = message.values()
            if type(text) is list:
                text = joined(text)
            if type(role) is not str or type(text) is not str or text[:1] in _UNSURE:
                return False
            roles.append(role)
        return _in_order(tuple(roles))

    return fine


@lru_cache(maxsize=1024)
def _in_order(roles: tuple[str, ...]) -> bool:
    numbers = [ROLES.get(role, 0) for role in roles]
    return bool(numbers) and 0 not in numbers and not order_problems(numbers, [], "")


def _texts(layout: Layout) -> Glance:
    columns = [(column.actual, column.required) for column in layout.columns]

    def fine(value: dict[str, Any], risky: bool) -> bool:
        for name, required in columns:
            text = value.get(name)
            if type(text) is not str:
                if text is None and not required:
                    continue
                return False
            if (required and text[:1] in _UNSURE) or (risky and CONTROL.search(text)):
                return False
        return True

    return fine
