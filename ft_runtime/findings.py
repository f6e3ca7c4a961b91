"""Findings: the one form in which anything wrong or doubtful is told, config and data alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ft_runtime import messages
from ft_runtime.messages import text
from ft_runtime.printing import say

__all__ = [
    "Finding",
    "FindingsError",
    "errors",
    "finding",
    "muted",
    "notify",
    "raise_for_errors",
    "render",
    "subscribed",
    "text",
]

Severity = Literal["error", "warning", "info"]
_ORDER = {"error": 0, "warning": 1, "info": 2}
_sinks: list[Callable[[Finding], None]] = []
_muted: list[bool] = []


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or doubtful.

    Attributes
    ----------
    code : str
        Stable name, ``room.what``; documented in the catalogue.
    severity : {"error", "warning", "info"}
        An error stops the step that found it; the others do not.
    where : str
        Field path (``hyperparams.learning_rate``) or file, line and path in the row
        (``a.jsonl:14 messages[1]``).
    message : str
        What is wrong, what was expected and what was got.
    hint : str
        What to type or do.
    """

    code: str
    severity: Severity
    where: str
    message: str
    hint: str

    def to_dict(self) -> dict[str, str]:
        """Return the finding as plain data, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        place = f" {self.where}:" if self.where else ""
        hint = f"\n    → {self.hint}" if self.hint else ""
        return f"{self.severity} [{self.code}]{place} {self.message}{hint}"


class FindingsError(Exception):
    """Raised when something cannot go on; carries every finding, not the first alone.

    Attributes
    ----------
    findings : list of Finding
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = list(findings)
        super().__init__(render(self.findings))

    def __reduce__(self) -> tuple[type[FindingsError], tuple[list[Finding]]]:
        return type(self), (self.findings,)

    def _render_traceback_(self) -> list[str]:
        """Tell IPython to show the findings instead of a traceback through our code."""
        return str(self).splitlines()


def finding(code: str, where: str = "", **values: Any) -> Finding:
    """Make a finding from the catalogue.

    Parameters
    ----------
    code : str
        A code of ``messages/<language>/<room>.json``.
    where : str
        The place: a field path, or file, line and column.
    **values
        Fill the ``{placeholders}`` of message and hint.
    """
    entry = messages.lookup(code)
    severity: Any = entry["severity"]
    return Finding(
        code=code,
        severity=severity,
        where=where,
        message=entry["message"].format(**values).rstrip(),
        hint=entry.get("hint", "").format(**values),
    )


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that are errors."""
    return [item for item in findings if item.severity == "error"]


def raise_for_errors(findings: Iterable[Finding]) -> None:
    """Raise `FindingsError` with all the findings when at least one of them is an error."""
    found = list(findings)
    if errors(found):
        raise FindingsError(found)


def render(findings: Iterable[Finding]) -> str:
    """Return the findings as text, errors first, each with its remedy."""
    ordered = sorted(findings, key=lambda item: _ORDER[item.severity])
    return "\n".join(str(item) for item in ordered)


def notify(*findings: Finding) -> None:
    """Show findings now and hand them to whoever subscribed (a run records them)."""
    from ft_runtime import processes

    if _muted:
        return
    if findings and processes.is_main():
        say(clear_line() + render(findings), sys.stderr)
    for sink in list(_sinks):
        for item in findings:
            sink(item)


def clear_line() -> str:
    """Return what takes away a line of progress, for whatever else goes to standard error."""
    try:
        return "\033[K" if sys.stderr.isatty() else ""
    except (AttributeError, ValueError):  # a stream that is closed, or only looks like one
        return ""


@contextmanager
def muted() -> Iterator[None]:
    """Notify nobody while the block runs: a trial on made-up data is not the user's run."""
    _muted.append(True)
    try:
        yield
    finally:
        _muted.pop()


@contextmanager
def subscribed(sink: Callable[[Finding], None]) -> Iterator[None]:
    """Hand every notified finding to `sink` while the block runs."""
    _sinks.append(sink)
    try:
        yield
    finally:
        _sinks.remove(sink)


def subscribe(sink: Callable[[Finding], None]) -> None:
    """Hand every later finding to `sink`, once however often it subscribes."""
    if sink not in _sinks:
        _sinks.append(sink)


def unsubscribe(sink: Callable[[Finding], None]) -> None:
    """Stop handing findings to `sink`."""
    if sink in _sinks:
        _sinks.remove(sink)
