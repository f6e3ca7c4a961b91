"""The model card: what a stranger has to know, taken from the run folder and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime.artifacts.facts import LEDGER_STATES, Facts, read_facts
from ft_runtime.artifacts.folder import told
from ft_runtime.artifacts.markdown import code, escape, table
from ft_runtime.artifacts.metadata import base_licence, card_data, model_name
from ft_runtime.artifacts.snippet import loading_code
from ft_runtime.evaluation.verdict import number, signed
from ft_runtime.files import write_text_atomic
from ft_runtime.findings import text

if TYPE_CHECKING:
    from ft_runtime.runs import Run

FILE = "README.md"
_HASH = 16  # digits of a SHA-256 that a table shows; the manifest has all of them


def write_card(run: Run, path: Path | None = None) -> Path:
    """Write the model card of a run.

    Parameters
    ----------
    run : Run
        Its folder is read; the same folder gives the same card.
    path : Path, optional
        Where to; default is ``README.md`` in the run folder. In another folder the code to load the
        model names the hub repository, or this folder.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FindingsError
        When it cannot be written.
    """
    target = path or run.path / FILE
    with told(target, 0):
        facts = read_facts(run.path, path.parent if path else None)
        content = card_text(facts, inside=path is not None)
        return write_text_atomic(target, content)


def write_model_card(run: Run, **_results: Any) -> Path:
    """Write ``README.md`` of a run; results in memory are not needed, the folder has them."""
    return write_card(run)


def card_text(facts: Facts, inside: bool = False) -> str:
    """Return the whole card.

    Parameters
    ----------
    facts : Facts
    inside : bool
        The card lies in the folder of the model itself, and not in the run folder.
    """
    from huggingface_hub import ModelCard

    title = text("artifacts.card_title", name=escape(model_name(facts)))
    parts = [
        f"# {title}",
        _about(facts),
        *_section("results", _results(facts)),
        *_section("load", _load(facts, inside)),
        *_section("data", _data(facts)),
        *_section("settings", _settings(facts)),
        *_section("limits", _limits(facts)),
        *_section("environment", _environment(facts)),
    ]
    body = "\n\n".join(part for part in parts if part)
    return str(ModelCard(f"---\n{card_data(facts).to_yaml()}\n---\n\n{body}\n"))


def _section(name: str, content: str) -> list[str]:
    return [f"## {text(f'artifacts.card_{name}')}", content] if content else []


def _about(facts: Facts) -> str:
    base = code(facts.config["model_id"])
    if facts.revision:
        base = text("artifacts.card_revision_of", base=base, revision=code(facts.revision))
    about = text(f"artifacts.card_about_{facts.config['tune_type']}", base=base)
    licence = base_licence(facts)
    key = "artifacts.card_licence" if licence else "artifacts.card_licence_unknown"
    return f"{about} {text(key, licence=code(licence))}"


def _results(facts: Facts) -> str:
    rows = facts.report.get("metrics", [])
    if not rows:
        return text("artifacts.card_no_results")
    baseline = any(row["baseline"] is not None for row in rows)
    keys = ["metric", "base", "tuned", "difference", "interval", "n", "verdict"]
    if baseline:
        keys.insert(3, "baseline")
    held_out = facts.report["held_out"]
    intro = text("evaluation.headline", split=held_out["split"], rows=held_out["rows"])
    if n := facts.report["sample"]["n"]:
        intro += " " + text("evaluation.headline_sample", n=n, rows=held_out["rows"])
    header = [text(f"evaluation.column_{key}", level="95 %") for key in keys]
    sentences = [f"- {escape(row['sentence'])}" for row in rows]
    notes = [f"- {escape(note)}" for note in facts.report["notes"]]
    signatures = [f"- {code(row['name'])}: {code(row['signature'])}" for row in rows]
    body = table(header, [_result(row, baseline) for row in rows])
    groups = [intro, body, "\n".join(sentences), "\n".join(notes)]
    groups += [text("artifacts.card_signatures"), "\n".join(signatures)]
    return "\n\n".join(group for group in groups if group)


def _result(row: dict[str, Any], baseline: bool) -> list[str]:
    ends = row["interval"]
    cells = [
        f"{code(row['name'])} {'↑' if row['higher_is_better'] else '↓'}",
        number(row["base"]),
        number(row["tuned"]),
        signed(row["difference"]),
        f"{signed(ends[0])} … {signed(ends[1])}" if ends else "–",
        str(row["n"]),
        escape(row["verdict"]),
    ]
    if baseline:
        cells.insert(3, number(row["baseline"]))
    return cells


def _load(facts: Facts, inside: bool) -> str:
    saved = "adapter" if facts.is_adapter else "model"
    hub = facts.config["artifacts"].get("hub_model_id")
    pushed = facts.config["artifacts"]["push_to_hub"] and hub
    folder = hub if inside and pushed else "." if inside else saved
    hint = text("artifacts.card_load_hint", folder=code(folder))
    return f"{hint}\n\n{_fenced(loading_code(facts, folder))}"


def _fenced(source: str) -> str:
    """Return Python in a code block whose fence nothing in the source can close."""
    fence = "```"
    while fence in source:
        fence += "`"
    return f"{fence}python\n{source}\n{fence}"


def _data(facts: Facts) -> str:
    dataset = facts.config["dataset"]
    parts = [text("artifacts.card_format", format=code(dataset["format"]))]
    if facts.sources:
        header = [text(f"artifacts.card_{key}") for key in ("source", "rows", "sha256", "revision")]
        rows = [
            [
                code(source["name"]),
                str(source["rows"]),
                code(str(source.get("sha256") or "")[:_HASH]),
                code(source.get("revision") or ""),
            ]
            for source in facts.sources
        ]
        parts.append(table(header, rows))
    if fates := facts.fates():
        parts.append(text("artifacts.card_ledger"))
        header = ["", *(text(f"artifacts.card_{state}") for state in LEDGER_STATES)]
        lines = [
            [code(name) if name else text("artifacts.card_no_split"), *_counts(states)]
            for name, states in fates.items()
        ]
        total = [sum(states[state] for states in fates.values()) for state in LEDGER_STATES]
        lines.append([text("artifacts.card_total"), *map(str, total)])
        parts.append(table(header, lines))
    return "\n\n".join(parts)


def _counts(states: Any) -> list[str]:
    return [str(states[state]) for state in LEDGER_STATES]


def _settings(facts: Facts) -> str:
    rows = []
    for section in ("hyperparams", "lora", "qlora"):
        for name, value in (facts.config.get(section) or {}).items():
            rows.append([code(f"{section}.{name}"), code(repr(value))])
    rows.append([code("seed"), code(facts.config["seed"])])
    return table([text("artifacts.card_setting"), text("artifacts.card_value")], rows)


def _limits(facts: Facts) -> str:
    found = [text("artifacts.card_limit_data")]
    verdicts = {row["name"]: row["verdict"] for row in facts.report.get("metrics", [])}
    for verdict, key in (
        ("no detectable difference", "artifacts.card_limit_none"),
        ("worse", "artifacts.card_limit_worse"),
        ("too few rows to tell", "artifacts.card_limit_few"),
    ):
        names = [code(name) for name, got in verdicts.items() if got == verdict]
        if names:
            found.append(text(key, names=", ".join(names)))
    lost = sum(line["state"] in ("lost_end", "dropped") for line in facts.ledger)
    if lost:
        found.append(text("artifacts.card_limit_lost", lost=lost, rows=len(facts.ledger)))
    kind = "labels" if facts.classification else "text"
    found.append(text(f"artifacts.card_limit_{kind}"))
    return "\n".join(f"- {line}" for line in found)


def _environment(facts: Facts) -> str:
    versions = facts.manifest.get("versions", {})
    rows = [[code(name), code(version)] for name, version in versions.items()]
    device = facts.manifest.get("hardware", {}).get("device", {})
    if device:
        shown = f"{device.get('name')} ({device.get('type')}, {device.get('precision')})"
        rows.append([text("artifacts.card_device"), code(shown)])
    if not rows:
        return ""
    return table([text("artifacts.card_package"), text("artifacts.card_version")], rows)
