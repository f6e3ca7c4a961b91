"""What a run folder tells about its run: the only source of a model card."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEDGER_STATES = ("whole", "truncated", "lost_end", "dropped")


@dataclass(frozen=True)
class Facts:
    """A run folder, read.

    Attributes
    ----------
    folder : Path
    config : dict
        ``config.yaml``.
    manifest : dict
        ``manifest.json``; empty when missing.
    report : dict
        ``report.json``; empty when nothing was evaluated.
    ledger : list of dict
        ``ledger.csv``, a line a row.
    adapter : dict
        ``adapter_config.json`` of the saved adapter; empty when there is none.
    """

    folder: Path
    config: dict[str, Any]
    manifest: dict[str, Any]
    report: dict[str, Any]
    ledger: list[dict[str, str]]
    adapter: dict[str, Any]

    @property
    def classification(self) -> bool:
        """True for a classifier."""
        return bool(self.config["dataset"]["format"] == "csv_classification")

    @property
    def is_adapter(self) -> bool:
        """True when the run leaves an adapter."""
        return bool(self.config["tune_type"] != "full")

    @property
    def hub_base(self) -> str | None:
        """Hub id of the base; None when it came from a folder."""
        return self.config["model_id"] if self.config["provider"] == "hf_hub" else None

    @property
    def revision(self) -> str | None:
        """Commit of the base, as it was resolved."""
        model = self.manifest.get("pinned", {}).get("model") or {}
        return model.get("revision") or self.config.get("revision")

    @property
    def labels(self) -> list[str]:
        """Labels of a classifier, by number; empty when the report does not tell."""
        return list(self.report.get("settings", {}).get("labels", []))

    @property
    def whole_modules(self) -> list[str]:
        """Modules that were trained whole and are saved with the adapter: a classification head."""
        return list(self.adapter.get("modules_to_save") or [])

    @property
    def end_token_ids(self) -> list[int]:
        """Tokens that end an answer; empty when no answers were generated."""
        decoding = self.report.get("settings", {}).get("decoding", {})
        return list(decoding.get("end_token_ids", []))

    @property
    def sources(self) -> list[dict[str, Any]]:
        """Name, sha256, revision and rows of every source of the data."""
        pinned = (self.manifest.get("pinned", {}).get("data") or {}).get("sources", {})
        rows = Counter(line["source"] for line in self.ledger)
        return [{"name": name, "rows": rows[name], **known} for name, known in pinned.items()]

    def fates(self) -> dict[str, Counter[str]]:
        """Rows by split and state; rows that came to no split under an empty name."""
        found: dict[str, Counter[str]] = {}
        for name in ("train", "val", "test", ""):
            states = Counter(line["state"] for line in self.ledger if line["split"] == name)
            if states:
                found[name] = states
        return found


def read_facts(folder: Path, saved: Path | None = None) -> Facts:
    """Read a run folder; files that a run did not come to are taken as empty.

    Parameters
    ----------
    folder : Path
        The run folder.
    saved : Path, optional
        Where the saved adapter lies; default is ``adapter/`` in the run folder.

    Raises
    ------
    OSError
        When ``config.yaml`` cannot be read.
    """
    import yaml

    return Facts(
        folder=folder,
        config=yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")),
        manifest=_json(folder / "manifest.json"),
        report=_json(folder / "report.json"),
        ledger=_csv(folder / "ledger.csv"),
        adapter=_json((saved or folder / "adapter") / "adapter_config.json"),
    )


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _csv(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
