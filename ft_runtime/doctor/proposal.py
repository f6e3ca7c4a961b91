"""What rows of no known format are, and the format and columns with which they can be used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import Finding, FindingsError, finding

if TYPE_CHECKING:
    from ft_runtime.doctor.head import Detection
    from ft_runtime.doctor.survey import Surveyed

NAMES = {
    "sharegpt": "ShareGPT",
    "chat": "messages",
    "instruction": "instructions",
    "prompt": "prompts and answers",
    "preference": "preference pairs",
    "text": "plain text",
}
"""What a shape is called in a report."""
_UNKNOWN = ("unknown_format", "missing_columns", "no_header")


@dataclass(frozen=True)
class Proposal:
    """A format and columns, ready for ``dataset.format`` and ``dataset.columns``.

    Attributes
    ----------
    source : str
    format : str
    columns : dict of str to str
        Canonical name to name in the file, where they differ.
    """

    source: str
    format: str
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def options(self) -> str:
        """What to type behind ``check``."""
        pairs = ",".join(f"{name}={actual}" for name, actual in self.columns.items())
        return f"--format {self.format}" + (f" --columns {pairs}" if pairs else "")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return dict(vars(self))


def propose(each: Surveyed) -> Proposal | None:
    """Return how a source can be used; for a refused one, tell it in its findings as well."""
    scan = each.scan
    if not scan.refused:
        other = {name: actual for name, actual in scan.columns.items() if name != actual}
        return Proposal(scan.path, scan.format, other) if scan.format else None
    from ft_runtime.doctor.head import detect

    try:
        found = detect(each.plain.path)
    except FindingsError:
        return None
    if scan.shape == "preference":
        made = _preferred(found, scan.path)
        values = {"options": made.options, "columns": _yaml(made.columns), "format": made.format}
        scan.findings.append(finding("data.chosen_answers", scan.path, **values))
        return made
    if _is_prose(found):
        scan.shape = "text"
        present = ", ".join(found.present[:1]) or "none"
        told = finding("data.plain_text", scan.path, column=present[:30])
        scan.findings = [told if _unknown(item) else item for item in scan.findings]
    return None


def _unknown(item: Finding) -> bool:
    return item.code.rpartition(".")[2] in _UNKNOWN


def _preferred(found: Detection, name: str) -> Proposal:
    """Return the mapping that learns the answers that were chosen."""
    import json

    try:
        row = json.loads(found.preview[0]["text"]) if found.preview else {}
    except ValueError:  # cut short
        row = {}
    if isinstance(row.get("chosen"), list) or "prompt" not in found.present:
        return Proposal(name, "jsonl_chat", {"messages": "chosen"})
    return Proposal(name, "jsonl_prompt", {"completion": "chosen"})


def _is_prose(found: Detection) -> bool:
    """Tell whether there is one text and nothing else: no answer, no label."""
    if found.container in ("csv", "tsv"):
        return len(found.present) == 1
    return found.shape == "text" and len(found.present) == 1


def _yaml(columns: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {actual}" for name, actual in columns.items()) + "}"
