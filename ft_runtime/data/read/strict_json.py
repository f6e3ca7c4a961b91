"""JSON as the standard says it: no NaN, no key twice, nothing after the value."""

from __future__ import annotations

import json
import math
from typing import Any

from ft_runtime.data.places import printable
from ft_runtime.findings import Finding, finding

_DIGITS = 4300
"""Python refuses to read longer whole numbers (sys.int_info.default_max_str_digits)."""


class StrictJson:
    """A JSON decoder that notes what the standard library lets pass.

    Attributes
    ----------
    faults : list of (code, values)
        Errors of the value decoded last: keys that occur twice, NaN and Infinity.
    out_of_range : bool
        Whether it has a number beyond the range of a double or with thousands of digits. Such a
        number becomes infinity, so that it can never pass for a text or a label.
    """

    def __init__(self) -> None:
        self.faults: list[tuple[str, dict[str, Any]]] = []
        self.out_of_range = False
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._pairs,
            parse_constant=self._constant,
            parse_float=self._float,
            parse_int=self._int,
        )

    def decode(self, text: str, where: str) -> tuple[Any, list[Finding]]:
        """Decode one value that is all of `text`; the value is None when there are findings."""
        self._reset()
        try:
            value = self._decoder.decode(text)
        except (ValueError, RecursionError) as error:
            return None, [explain(error, text, where)]
        found = self.findings(where)
        return (None if found else value), found

    def decode_at(self, text: str, start: int) -> tuple[Any, int]:
        """Decode the value that starts at `start`; return it and where it ends."""
        self._reset()
        return self._decoder.raw_decode(text, start)

    def findings(self, where: str) -> list[Finding]:
        """Return the faults of the value decoded last, each once."""
        unique = {(code, str(values)): (code, values) for code, values in self.faults}
        return [finding(code, where, **values) for code, values in unique.values()]

    def _reset(self) -> None:
        self.faults = []
        self.out_of_range = False

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    self.faults.append(("data.duplicate_key", {"key": printable(key)}))
                seen.add(key)
        return value

    def _constant(self, name: str) -> float:
        self.faults.append(("data.not_finite", {"name": name}))
        return math.nan

    def _float(self, digits: str) -> float:
        value = float(digits)
        self.out_of_range |= math.isinf(value)
        return value

    def _int(self, digits: str) -> int | float:
        if len(digits) > _DIGITS:
            self.out_of_range = True
            return math.inf
        return int(digits)


def explain(error: ValueError | RecursionError, text: str, where: str) -> Finding:
    """Return the finding for a text that is not JSON."""
    if not isinstance(error, json.JSONDecodeError):
        return finding("data.too_deep", where)
    if error.msg == "Extra data":
        return finding("data.two_values", where, column=error.colno)
    if "\x00" in text:
        return finding("data.nul_bytes", where)
    if text.lstrip().startswith(("{'", "[{'")):
        return finding("data.python_literal", where)
    return finding("data.invalid_json", where, problem=error.msg, column=error.colno)


def type_name(value: Any) -> str:
    """Return the name that JSON has for the type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, int | float):
        return "number"
    names = {str: "text", list: "list", tuple: "list", dict: "object"}
    return next(
        (name for kind, name in names.items() if isinstance(value, kind)), type(value).__name__
    )
