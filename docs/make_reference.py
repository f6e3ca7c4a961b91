"""Writes ``docs/config.md`` and ``docs/findings.md`` from the schema and the message catalogue.

``python docs/make_reference.py`` (or ``make reference``). A test fails when the committed pages are
not what this gives, so that the reference never tells of a field or message that does not exist.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ft_runtime import messages
from ft_runtime.config import load_schema
from ft_runtime.config import schema as fields

DOCS = Path(__file__).parent
_NOTE = "<!-- Made by docs/make_reference.py: change the source named below, not this page. -->"
_ROOMS = {
    "artifacts": "Saving, merging and pushing the result.",
    "build": "Generating a notebook.",
    "cli": "The command line.",
    "config": "The config.",
    "data": "The data: files, rows, labels, secrets, splits, the same for runs and check.",
    "devices": "The device and its number type.",
    "doctor_report": "The data doctor: what it was asked to write or compare.",
    "evaluation": "Evaluating base and tuned model.",
    "models": "Loading model and tokenizer.",
    "run": "The run folder: starting, resuming, finishing.",
    "samples": "Made-up sample rows.",
    "server": "The server extension.",
    "smoke": "The smoke test.",
    "tokens": "Rendering, masking and cutting rows.",
    "training": "Training and its checkpoints.",
    "wizard": "The wizard in a notebook.",
}


def config_page() -> str:
    """Return the table of every field, section by section, in the order of the schema."""
    top: list[tuple[str, dict[str, Any]]] = []
    sections: dict[str, tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]] = {}
    for path, field in fields.walk():
        parent = path.rpartition(".")[0]
        if fields.is_section(field):
            sections[path] = (field, [])
        elif parent:
            sections[parent][1].append((path, field))
        else:
            top.append((path, field))
    lines = [
        "# Config fields",
        _NOTE,
        "",
        "Source: `schemas/config.schema.json`, version "
        f"{load_schema()['x-version']}. A config is YAML or JSON. Only `model_id` and `dataset` "
        "must be given; every other field has a default. Step is the step of the wizard that shows "
        'the field. "Elsewhere" are names that other tools use for it: they are not accepted, but '
        "the finding then names ours.",
        "",
        "## Top level",
        "",
        *_field_table(top),
    ]
    for path, (field, members) in sections.items():
        lines += ["", f"## {path}", "", _cell(field["description"]), "", *_field_table(members)]
    lines += ["", "## Rules across fields", "", *_rule_table(), ""]
    return "\n".join(lines)


def findings_page() -> str:
    """Return the table of every finding, room by room."""
    rooms: dict[str, list[str]] = {}
    for code in messages.codes():
        if "severity" in messages.room(code.split(".")[0])[code]:
            rooms.setdefault(code.split(".")[0], []).append(code)
    lines = [
        "# Findings",
        _NOTE,
        "",
        "Source: `ft_runtime/messages/en/`. Whatever is wrong or doubtful is told as a finding: "
        "its code, how severe it is, where, what is wrong, and what to do. An error stops the step "
        "that found it; a warning and an info do not. Codes are stable. ‹Words in brackets› stand "
        "for values of your case.",
    ]
    for room, codes in sorted(rooms.items()):
        rows = []
        for code in codes:
            entry = messages.room(room)[code]
            rows.append(
                (
                    f'<a id="{code}"></a>`{code}`',
                    entry["severity"],
                    _message(entry["message"]),
                    _message(entry.get("hint", "")),
                )
            )
        lines += ["", f"## {room}", ""]
        if room in _ROOMS:
            lines += [_ROOMS[room], ""]
        lines += _table(("code", "severity", "what is wrong", "what to do"), rows)
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Return the content of every generated page."""
    return {DOCS / "config.md": config_page(), DOCS / "findings.md": findings_page()}


def _field_table(members: Iterable[tuple[str, dict[str, Any]]]) -> list[str]:
    required = _required()
    rows = [
        (
            f"`{path}`",
            _meaning(field),
            _cell(fields.describe(field)) + _unit(field),
            "**required**" if path in required else _default(field),
            field["x-step"] + (", advanced" if field.get("x-advanced") else ""),
        )
        for path, field in members
    ]
    return _table(("field", "meaning", "accepts", "default", "step"), rows)


def _rule_table() -> list[str]:
    catalogue = messages.room("config")
    rows = [
        (
            f"`{rule['x-where']}`",
            _message(catalogue[rule["x-rule"]]["message"]),
            f"[`{rule['x-rule']}`](findings.md#{rule['x-rule']})",
        )
        for rule in load_schema()["allOf"]
    ]
    return _table(("field", "what is not accepted", "finding"), rows)


def _required() -> set[str]:
    schema = load_schema()
    inside = {
        f"{path}.{name}"
        for path, field in fields.walk()
        if fields.is_section(field)
        for name in field.get("required", ())
    }
    return {*schema["required"], *inside}


def _meaning(field: dict[str, Any]) -> str:
    parts = [_cell(field["description"])]
    if aliases := field.get("x-aliases"):
        parts.append("Elsewhere: " + ", ".join(f"`{alias}`" for alias in aliases) + ".")
    return " ".join(parts)


def _unit(field: dict[str, Any]) -> str:
    return f" ({field['x-unit']})" if "x-unit" in field else ""


def _default(field: dict[str, Any]) -> str:
    said = [_value(field["default"])]
    for other in field.get("x-default-when", ()):
        values = " or ".join(_value(value) for value in other["in"])
        said.append(f"{_value(other['value'])} when `{other['field']}` is {values}")
    return "; ".join(said)


def _value(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _message(text: str) -> str:
    """Show ``{placeholders}`` in brackets of their own: they are not to be typed."""
    shown = re.sub(r"(?<!\{)\{(\w+)[^{}]*\}(?!\})", r"‹\1›", text)
    return _cell(shown.replace("{{", "{").replace("}}", "}"))


def _cell(text: str) -> str:
    """Make one line that a table cell can hold: no HTML, no cell border, no stray emphasis."""
    safe = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"([|*`\[\]])", r"\\\1", safe)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    rule = "|" + " --- |" * len(head)
    return [f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(row)} |" for row in rows)]


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(path.name)


if __name__ == "__main__":
    main()
