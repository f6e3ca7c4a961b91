"""What is known of one row, and the check of one value in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ft_runtime.doctor.blank import is_blank
from ft_runtime.doctor.jsonl.escapes import CONTROL
from ft_runtime.doctor.jsonl.parse import shorten
from ft_runtime.doctor.problems import Problem, is_error

# Text, more bytes, what it is (role or column), place, and whether it is the answer.
Piece = tuple[str, bytes, int, int, bool]
# What is used of a part of a content.
PART_KEYS = ("type", "text")
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


def kind(value: Any) -> str:
    """Return the word for the type of a JSON value."""
    return _NAMES.get(type(value), type(value).__name__)


def text_of(value: Any, path: str, row: Explained, required: bool = True) -> str | None:
    """Return a text that can be used, after noting what is wrong with it."""
    add = row.problems.append
    if value is None:
        add(Problem("null_field", path))
    elif isinstance(value, float) and value != value:  # NaN, which is told already
        pass
    elif not isinstance(value, str):
        add(Problem("not_text", path, {"got": kind(value)}))
    elif required and is_blank(value):
        add(Problem("empty_field", path, {"length": len(value)}))
    elif not row.whole and (place := half(value)):
        add(Problem("lone_surrogate", path, {"position": place}))
    else:
        if row.risky and (match := CONTROL.search(value)):
            add(Problem("control_characters", path, {"example": repr(match[0])}))
        row.chars += len(value)
        return value
    return None


def is_parts(value: Any) -> bool:
    """Return whether a content is a list of parts: of text, images or anything."""
    return isinstance(value, list) and bool(value) and all(isinstance(p, dict) for p in value)


def text_of_parts(
    parts: list[dict[str, Any]], path: str, row: Explained, required: bool
) -> str | None:
    """Return what the parts of a content say together, after noting what is wrong with them."""
    kinds = [part["type"] if isinstance(part.get("type"), str) else "" for part in parts]
    if others := dict.fromkeys(name for name in kinds if name != "text"):
        names = ", ".join(shorten(name) or "no type" for name in list(others)[:5])
        count = sum(name != "text" for name in kinds)
        row.problems.append(Problem("content_parts", path, {"count": count, "types": names}))
        return None
    texts: list[str] = []
    for i, part in enumerate(parts):
        place = f"{path}[{i}]"
        if unused := {key for key in part if key not in PART_KEYS and part[key] is not None}:
            names = ", ".join(sorted(map(shorten, unused))[:5])
            row.problems.append(Problem("unused_part_keys", place, {"names": names}))
        if "text" not in part:
            row.problems.append(Problem("missing_part_text", place))
        elif (text := text_of(part["text"], f"{place}.text", row, required=False)) is not None:
            texts.append(text)
    if len(texts) < len(parts):
        return None
    said = "".join(texts)
    if required and is_blank(said):
        row.problems.append(Problem("empty_field", path, {"length": len(said)}))
        return None
    return said


def half(text: str) -> int:
    """Return where half of a surrogate pair stands, counted from 1; 0 for nowhere."""
    if text.isascii():
        return 0
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start + 1
    return 0
