"""Checks of a single text: that it is one, that it says something, and what is odd in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from ft_runtime.data.places import Place
from ft_runtime.data.read.strict_json import type_name
from ft_runtime.data.tally import Tally
from ft_runtime.findings import Finding, finding

_INVISIBLE_CATEGORIES = {"Cc", "Cf", "Zs", "Zl", "Zp"}
# Blank glyphs that Unicode counts as letters or symbols: Hangul fillers, the empty Braille cell.
_INVISIBLE = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_ODD = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x85\u2028\u2029]|\{\{|<\||\[/?INST\]|</?s>|<(?:start|end)_of_turn>"
)
_SPECIAL = re.compile(r"<\|[\w ./-]{1,40}\|>|\[/?INST\]|</?s>|<(?:start|end)_of_turn>")
_PLACEHOLDER = re.compile(r"\{\{\s*[^{}\n]{1,60}?\s*\}\}")
_SEPARATOR = re.compile("[\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def blank(text: str) -> bool:
    """Tell whether a text has nothing to see: empty, white space, invisible characters."""
    return all(
        char in _INVISIBLE or unicodedata.category(char) in _INVISIBLE_CATEGORIES for char in text
    )


def check_text(
    values: Mapping[str, Any], column: str, place: Place, *, may_be_empty: bool = False
) -> list[Finding]:
    """Return what is wrong with a column that must hold a text."""
    if column not in values:
        return [finding("data.missing_field", place.at(), name=place.names.get(column, column))]
    return check_value(values[column], place.at(column), may_be_empty=may_be_empty)


def check_value(value: Any, where: str, *, may_be_empty: bool = False) -> list[Finding]:
    """Return what is wrong with a value that must be a text."""
    if value is None:
        return [finding("data.null_field", where)]
    if not isinstance(value, str):
        if isinstance(value, list) and value and all(_is_part(item) for item in value):
            return [finding("data.content_parts", where, count=len(value))]
        return [finding("data.not_text", where, got=type_name(value))]
    if not may_be_empty and blank(value):
        return [finding("data.empty_field", where, length=len(value))]
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        return [finding("data.lone_surrogate", where, position=error.start + 1)]
    return []


def note_oddities(text: str, place: Place, tally: Tally, noted: set[str]) -> None:
    """Count what is legal and yet seldom meant; `noted` keeps a row from being counted twice."""
    if not _ODD.search(text):
        return
    for code, pattern in (
        ("data.placeholders", _PLACEHOLDER),
        ("data.special_tokens", _SPECIAL),
        ("data.line_separators", _SEPARATOR),
        ("data.control_characters", _CONTROL),
    ):
        match = pattern.search(text)
        if match and code not in noted:
            noted.add(code)
            tally.add(code, place, example=match.group().encode("unicode_escape").decode("ascii"))


def _is_part(item: Any) -> bool:
    return isinstance(item, Mapping) and "type" in item
