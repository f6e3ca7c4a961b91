"""Datasets of the hub: whether one exists and may be read, and its first rows.

What the hub says of it is asked by the server itself; the rows are read by a process of its own,
with the library that the run uses. So the preview shows what the run will get, for any format that
the library knows, and nothing of the data is written to disk.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from ft_runtime.data.places import printable
from ft_runtime.data.read.contents import Contents, Record, columns_of
from ft_runtime.data.read.jsonl import mark_values
from ft_runtime.findings import Finding, FindingsError, finding
from jupyter_ft.services.child import Child, ChildError
from jupyter_ft.services.models.check import unreachable
from jupyter_ft.services.models.hub import ID, HubClient, HubError

_MODULE = "ft_runtime.data.peek"
_ROWS = 200
_KEPT = 16


@dataclass
class HubLook:
    """What is known of a hub dataset, and its first rows.

    Attributes
    ----------
    facts : dict
        ``id``, ``licence``, ``gated``, ``commit``, ``config_name``, ``configs``, ``split``,
        ``splits``; None or empty where it is not known.
    contents : Contents or None
        None when no row was read; ``findings`` say why.
    total : int or None
        All rows of the split, if the dataset says it.
    complete : bool
    findings : list of Finding
    """

    facts: dict[str, Any]
    contents: Contents | None = None
    total: int | None = None
    complete: bool = False
    findings: list[Finding] = field(default_factory=list)


@dataclass
class HubDatasets:
    """Looks at datasets of the hub, and remembers the rows that were read last.

    Parameters
    ----------
    client : HubClient
    child : Child
        What reads the rows.
    rows, size : int
        How many rows are read, and how many bytes of them at most.
    """

    client: HubClient
    child: Child
    rows: int = _ROWS
    size: int = 2 << 20
    _kept: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict, repr=False)
    _lock: Any = field(default_factory=Lock, repr=False)

    def look(
        self,
        id: str,
        config_name: str | None = None,
        revision: str | None = None,
        split: str | None = None,
    ) -> HubLook:
        """Return what is known of a dataset; whatever stands in the way is a finding.

        Parameters
        ----------
        id, config_name, revision
            As in ``dataset``; empty texts are none.
        split : str, optional
            By default the one that a run trains on.
        """
        facts: dict[str, Any] = {
            "id": printable(id, 120),
            "licence": None,
            "gated": None,
            "commit": None,
            "config_name": config_name or None,
            "configs": [],
            "split": None,
            "splits": [],
        }
        seen = HubLook(facts)
        try:
            self._describe(id, revision or None, facts)
            told = self._rows(id, config_name or None, facts["commit"] or revision, split or None)
        except FindingsError as error:
            seen.findings = error.findings
            return seen
        seen.findings = [Finding(**item) for item in told.get("findings", [])]
        if "rows" in told:
            facts.update({name: told[name] for name in ("configs", "split", "splits")})
            records = [Record(0, row) for row in told["rows"]]
            seen.contents = Contents(
                f"{id}/{told['split']}", id, "hub", records, columns_of(records),
                revision=facts["commit"], marks=mark_values(told["rows"]),
            )  # fmt: skip
            seen.total, seen.complete = told["total"], told["complete"]
        return seen

    def _describe(self, id: str, revision: str | None, facts: dict[str, Any]) -> None:
        """Ask the hub for licence, gate and commit.

        Raises
        ------
        FindingsError
            When it is not there, may not be read, or the hub does not answer.
        """
        client, shown = self.client, facts["id"]
        if not ID.fullmatch(id) or ".." in id or "--" in id:
            problem = "expected owner/name of letters, digits, - _ and ."
            raise _found("data.hub_missing", "dataset.id", id=shown, problem=problem)
        if client.offline:
            raise _found("server.hub_offline", "dataset.id", id=shown)
        try:
            info = client.describe(id, revision, "datasets")
            card = info.get("cardData")
            licence = card.get("license") if isinstance(card, Mapping) else None
            several = ", ".join(map(str, licence)) if isinstance(licence, list) else licence
            facts["licence"] = printable(str(several), 80) if several else None
            facts["gated"] = bool(info.get("gated"))
            facts["commit"] = str(info["sha"])[:64] if info.get("sha") else None
            open_to_us = not facts["gated"] or client.may_read(id, "datasets")
        except HubError as failure:
            raise FindingsError([_told(failure, shown, revision, client)]) from None
        if not open_to_us:
            raise _found("data.hub_gated", "dataset.id", id=shown)

    def _rows(
        self, id: str, config_name: str | None, revision: str | None, split: str | None
    ) -> dict[str, Any]:
        """Return what the process tells of the rows."""
        request = {
            "id": id, "config_name": config_name, "revision": revision, "split": split,
            "rows": self.rows, "size": self.size,
        }  # fmt: skip
        key = json.dumps(request)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        shown = printable(id, 120)
        quiet = {"HF_ENDPOINT": self.client.endpoint, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        try:
            told = self.child.ask(_MODULE, request, environment=quiet)
        except ChildError as error:
            if error.no_runtime:
                values = {"python": self.child.python, "library": "ft_runtime"}
                raise _found("server.no_datasets", "dataset.id", **values) from None
            if error.late:
                seconds = f"{self.child.timeout:g}"
                raise _found(
                    "server.rows_timeout", "dataset.id", id=shown, seconds=seconds
                ) from None
            problem = str(error)
            raise _found("server.rows_failed", "dataset.id", id=shown, problem=problem) from None
        if "rows" in told:
            with self._lock:
                self._kept[key] = told
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return told


def _told(failure: HubError, shown: str, revision: str | None, client: HubClient) -> Finding:
    """Turn what went wrong with the hub into a finding."""
    if failure.code == "RevisionNotFound":
        values = {"id": shown, "revision": printable(revision or "", 80)}
        return finding("data.hub_revision", "dataset.revision", **values)
    if failure.code == "GatedRepo":
        return finding("data.hub_gated", "dataset.id", id=shown)
    if failure.status in (401, 403, 404):
        problem = f"the hub answers {failure.status}"
        return finding("data.hub_missing", "dataset.id", id=shown, problem=problem)
    return unreachable(failure, shown, client, "dataset.id")


def _found(code: str, where: str, **values: Any) -> FindingsError:
    return FindingsError([finding(code, where, **values)])
