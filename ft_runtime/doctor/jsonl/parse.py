"""One JSON line read strictly, with words for everything that is wrong with it as JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from ft_runtime.doctor.problems import Problem

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

    def _constant(self, name: str) -> None:
        self.notes.append(Problem("not_finite", values={"name": name}))

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


def parse(line: bytes) -> tuple[Any, list[Problem], bool]:
    """Return the value of a line, what is wrong with it, and whether there is a value at all.

    Parameters
    ----------
    line : bytes
        Without its line end.
    """
    if not line.strip(b" \t\r"):
        return None, [Problem("blank_line")], False
    if b"\0" in line:
        return None, [Problem("nul_bytes", f"byte {line.index(0) + 1}")], False
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = f"0x{line[error.start]:02x}"
        return None, [Problem("not_utf8", f"byte {error.start + 1}", {"byte": byte})], False
    notes: list[Problem] = []
    _reader.notes = notes
    try:
        value = _reader.decode(text)
    except RecursionError:
        return None, [Problem("too_deep")], False
    except json.JSONDecodeError as error:
        return None, [*notes, _syntax(text, error)], False
    except ValueError as error:
        return None, [Problem("invalid_json", values={"problem": str(error)})], False
    return value, notes, True


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
