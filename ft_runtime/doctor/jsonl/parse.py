"""One JSON line read strictly, with words for everything that is wrong with it as JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from ft_runtime.doctor.jsonl.hints import has_keys, is_risky
from ft_runtime.doctor.problems import Problem

UNSURE: Any = object()
"""What `value_of` returns of a line that has to be looked at more closely."""

_INT_DIGITS = 300
_SINGLE = re.compile(r"^\s*\{\s*'")


class _Reader:
    """A JSON decoder that notes what `json` lets pass: repeated keys, NaN, numbers out of range."""

    def __init__(self) -> None:
        self.notes: list[Problem] = []
        self.decode = json.JSONDecoder(
            object_pairs_hook=self._pairs,
            parse_constant=self._constant,
            parse_int=self._integer,
            parse_float=self._fraction,
        ).decode

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    self.notes.append(Problem("duplicate_key", shorten(key), {"key": shorten(key)}))
                    break
                seen.add(key)
        return made

    def _constant(self, name: str) -> float:
        self.notes.append(Problem("not_finite", values={"name": name}))
        return math.nan

    def _integer(self, digits: str) -> int | float:
        number = int(digits) if len(digits) < _INT_DIGITS else float("inf")
        if not -(2**63) <= number < 2**64:
            self.notes.append(Problem("number_out_of_range", values={"number": shorten(digits)}))
        return number

    def _fraction(self, digits: str) -> float:
        number = float(digits)
        if number in (float("inf"), float("-inf")):
            self.notes.append(Problem("number_out_of_range", values={"number": shorten(digits)}))
        return number


_reader = _Reader()


def shorten(text: str, limit: int = 40) -> str:
    """Return a text that fits into a message, on one line."""
    text = text.encode("utf-8", "backslashreplace").decode()
    short = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in short)


@dataclass
class Parsed:
    """One line as a value.

    Attributes
    ----------
    value : object
    problems : list of Problem
    sound : bool
        There is a value.
    whole : bool
        No text in it has half of a surrogate pair.
    risky : bool
        A text may have a control character.
    """

    value: Any
    problems: list[Problem]
    sound: bool = True
    whole: bool = False
    risky: bool = True


def parse(line: bytes, risky: bool | None = None, *, sound: bool = True) -> Parsed:
    """Return the value of a line, and what is wrong with it; a line that is no JSON has no more.

    Parameters
    ----------
    line : bytes
        Without its line end.
    risky : bool, optional
        See `hints.is_risky`, where it is known already.
    sound : bool
        False where it is known that the line is no JSON.
    """
    if sound and (quick := value_of(line)) is not UNSURE:
        return Parsed(quick, [], True, True, is_risky(line) if risky is None else risky)
    if not line.strip(b" \t\r"):
        return Parsed(None, [Problem("blank_line")], False)
    if b"\0" in line:
        return Parsed(None, [Problem("nul_bytes", f"byte {line.index(0) + 1}")], False)
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        values = {"byte": f"0x{line[error.start]:02x}"}
        return Parsed(None, [Problem("not_utf8", f"byte {error.start + 1}", values)], False)
    notes: list[Problem] = []
    _reader.notes = notes
    try:
        value = _reader.decode(text)
    except RecursionError:
        return Parsed(None, [Problem("too_deep")], False)
    except json.JSONDecodeError as error:
        return Parsed(None, [_syntax(text, error)], False)
    except ValueError as error:
        return Parsed(None, [Problem("invalid_json", values={"problem": str(error)})], False)
    return Parsed(value, notes, risky=is_risky(line) if risky is None else risky)


def value_of(line: bytes) -> Any:
    """Return the value of a line with nothing wrong as JSON; `UNSURE` where that is not sure."""
    decode, wrong = _decoder()
    try:
        value = decode(line)
    except wrong:
        return UNSURE
    keys = _keys(value)
    return value if keys >= 0 and has_keys(line, keys) else UNSURE


@cache
def _decoder() -> tuple[Callable[[bytes], Any], tuple[type[Exception], ...]]:
    import msgspec

    errors = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)
    return msgspec.json.Decoder().decode, errors


def _keys(value: Any) -> int:
    """Return how many keys all objects of a value have; -1 where a number is out of range."""
    total = 0
    stack = [value]
    for each in stack:
        kind = type(each)
        if kind is dict:
            total += len(each)
            for item in each.values():
                if type(item) is not str:
                    stack.append(item)
        elif kind is list:
            stack += each
        elif kind is int and not -(2**63) <= each < 2**64:
            return -1
    return total


def _syntax(text: str, error: json.JSONDecodeError) -> Problem:
    column = f"column {error.pos + 1}"
    if text[0] == "\ufeff":
        return Problem("bom_inside", "column 1")
    if error.msg == "Extra data":
        return Problem("two_values", column)
    if _SINGLE.match(text[:200]) and text.rstrip().endswith("}"):
        return Problem("python_literal", column)
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return Problem("cut_line", column)
    if text[error.pos : error.pos + 1] < " ":
        return Problem("control_in_json", column, {"character": repr(text[error.pos])})
    return Problem("invalid_json", column, {"problem": error.msg.lower()})
