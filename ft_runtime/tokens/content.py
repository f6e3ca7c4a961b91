"""Contents in parts: whether a chat template takes them, found by rendering marks.

Some templates write the texts of a list of parts, some write a text only. One of the latter may
raise an error, leave the texts out, or write the list as Python or JSON has it, brackets and all,
which a model must never learn. A template is asked, not read: each part is replaced by a mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ft_runtime.data.formats.chat import texts

Message = Mapping[str, Any]
# Letters and digits alone: they stand the same in Python's and JSON's way of writing a list.
_MARK = "ftpart{}trap"
# What stands before a text in a part that is written as Python or JSON.
_WRITTEN = re.compile(r"""text\\*["']\s*:\s*\\*["']ftpart\d""")


def in_parts(message: Message) -> bool:
    """Return whether the content of a message is a list of parts."""
    return isinstance(message.get("content"), list)


def with_text(message: Message, text: str) -> dict[str, Any]:
    """Return a message that says `text`, as one part where it is in parts."""
    content = [{"type": "text", "text": text}] if in_parts(message) else text
    return {**message, "content": content}


def takes_parts(messages: Sequence[Message], render: Callable[[Sequence[Message]], str]) -> bool:
    """Return whether a template writes the texts of parts as it would write texts.

    Parameters
    ----------
    messages : sequence of mapping
        Some with a content in parts.
    render : callable
        Renders messages; anything that it raises is a refusal.

    Returns
    -------
    bool
        False only if the parts are to blame: it refuses them and not texts in their place, leaves
        out one that it would write as a text, or writes the list itself. True where it would treat
        texts no better.
    """
    marked: list[Message] = []
    joined: list[Message] = []
    marks: list[str] = []
    for message in messages:
        if in_parts(message):
            new = [_MARK.format(len(marks) + i) for i in range(len(texts(message)))]
            marks += new
            parts = [{"type": "text", "text": mark} for mark in new]
            marked.append({**message, "content": parts})
            joined.append({**message, "content": "".join(new)})
        else:
            marked.append(dict(message))
            joined.append(dict(message))
    listed, as_text = _try(render, marked), _try(render, joined)
    if listed is None:
        return as_text is None
    if _WRITTEN.search(listed):
        return False
    return all(mark in listed or mark not in (as_text or "") for mark in marks)


def _try(render: Callable[[Sequence[Message]], str], messages: Sequence[Message]) -> str | None:
    # A template is code of somebody else: anything that it raises is its refusal.
    try:
        return render(messages)
    except Exception:
        return None
