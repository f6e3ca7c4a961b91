"""A request that cannot be answered: status, code and findings, whatever door it came through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ft_runtime.data.places import printable
from ft_runtime.findings import Finding, finding


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """Why a request is refused.

    Attributes
    ----------
    status : int
        As in HTTP: 400 wrong input, 403 not allowed, 404 not there, 413 too large, ...
    main : Finding
        What is said first; its code is the code of the answer.
    findings : list of Finding
        Everything that is wrong, field by field.
    """

    def __init__(
        self, status: int, main: Finding, findings: Iterable[Finding] | None = None
    ) -> None:
        self.status = status
        self.main = main
        self.findings = [main] if findings is None else list(findings)
        super().__init__(str(main))

    def body(self) -> dict[str, Any]:
        """Return the one form in which errors are answered."""
        return {
            "code": self.main.code,
            "message": self.main.message,
            "findings": [item.to_dict() for item in self.findings],
            "hint": self.main.hint,
        }


def refuse(status: int, code: str, where: str = "", /, **values: Any) -> Problem:
    """Return a problem with a single finding of the catalogue."""
    return Problem(status, finding(code, where, **values))


def invalid_config(findings: list[Finding]) -> Problem:
    """Return the problem of a config with errors."""
    count = sum(item.severity == "error" for item in findings)
    return Problem(400, finding("config.invalid", "config", count=count), findings)


_KINDS: dict[str, tuple[Any, str]] = {
    "object": (Mapping, "an object"),
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
}


def fields(
    body: Mapping[str, Any], known: Mapping[str, str], required: Iterable[str] = ()
) -> dict[str, Any]:
    """Check the fields of a request and return all known ones; null is as good as not given.

    Parameters
    ----------
    body : Mapping
    known : Mapping
        Name to kind: ``object``, ``string``, ``integer`` or ``number``.
    required : iterable of str

    Raises
    ------
    Problem
        400 with one finding for each wrong field.
    """
    found: list[Finding] = []
    for name in body:
        if name not in known:
            shown = printable(name, 60)
            found.append(finding("server.unknown_field", shown, name=shown, known=", ".join(known)))
    for name, kind in known.items():
        value = body.get(name)
        types, expected = _KINDS[kind]
        if value is None:
            if name in required:
                found.append(finding("server.missing_field", name, name=name, expected=expected))
        elif isinstance(value, bool) or not isinstance(value, types):
            found.append(_wrong(name, expected, type(value).__name__))
    if found:
        raise Problem(400, found[0], found)
    return {name: body.get(name) for name in known}


def _wrong(name: str, expected: str, got: str) -> Finding:
    return finding("server.bad_field", name, name=name, expected=expected, got=got)
