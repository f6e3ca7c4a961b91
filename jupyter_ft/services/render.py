"""One row as the model sees it, rendered by a process of its own that loads the tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ft_runtime.data.load import check_contents
from ft_runtime.data.places import join_places, printable
from ft_runtime.doctor.problems import Log, told
from ft_runtime.findings import Finding, FindingsError, errors, finding
from jupyter_ft.services.child import Child, ChildError
from jupyter_ft.services.choice import check_choice, one_source
from jupyter_ft.services.hub_datasets import HubDatasets
from jupyter_ft.services.models.check import PROVIDERS
from jupyter_ft.services.places import Root
from jupyter_ft.services.preview import Limits, Look, look, look_at_hub
from jupyter_ft.services.problem import Problem, fields, refuse

_MODULE = "ft_runtime.tokens.single"
_FIELDS = {
    "path": "string", "id": "string", "config_name": "string", "dataset_revision": "string",
    "split": "string", "format": "string", "columns": "object", "provider": "string",
    "model_id": "string", "revision": "string", "row": "integer", "max_seq_len": "integer",
}  # fmt: skip


def render(
    body: Mapping[str, Any], root: Root, limits: Limits, child: Child, hub: HubDatasets
) -> dict[str, Any]:
    """Answer one row of the data as text with what is learned marked.

    Parameters
    ----------
    body : Mapping
        ``path``, or ``id``, ``config_name``, ``dataset_revision`` and ``split`` of a hub dataset;
        ``format``, ``columns``; ``provider``, ``model_id``, ``revision``; ``row``, counted from 0,
        by default the first; ``max_seq_len``.
    root, limits
        Where files lie, and how far they are read.
    child : Child
        What renders.
    hub : HubDatasets

    Returns
    -------
    dict
        ``segments`` is empty when the row cannot be shown; a finding says why.
    """
    given = one_source(fields(body, _FIELDS, ["format", "provider", "model_id"]))
    check_choice(given["format"], given["columns"])
    if given["provider"] not in PROVIDERS:
        values = {"expected": "one of " + ", ".join(PROVIDERS), "got": "another"}
        raise refuse(400, "server.bad_field", "provider", name="provider", **values)
    file = root.data_file(given["path"], limits.extensions) if given["id"] is None else None
    empty: dict[str, Any] = {
        "segments": [],
        "tokens": 0,
        "supervised_tokens": 0,
        "template": None,
        "label": None,
    }
    try:
        seen = _look(given, file, limits, hub)
        row, line = _row(given, seen)
        config = _config(given, root)
    except FindingsError as error:
        return {**empty, "findings": [item.to_dict() for item in error.findings]}
    source = printable(seen.contents.name, 200)
    request = {"config": config, "fields": row, "source": source, "line": line}
    return {**empty, **_ask(request, child, root)}


def _look(given: Mapping[str, Any], file: Path | None, limits: Limits, hub: HubDatasets) -> Look:
    """Read the data that holds the row.

    Raises
    ------
    FindingsError
        When nothing of it can be read.
    """
    format, columns = given["format"], given["columns"]
    if file is not None:
        return look(file, given["path"].rpartition("/")[2], format, columns, limits)
    source = {**given, "revision": given["dataset_revision"]}
    known, seen = look_at_hub(source, format, columns, hub)
    if seen is None:
        raise FindingsError(known.findings)
    return seen


def _row(given: Mapping[str, Any], seen: Look) -> tuple[dict[str, Any], int]:
    """Return the fields of the chosen row, and its line."""
    number = given["row"] or 0
    records = [record for record in seen.contents.records if not record.blank]
    if not 0 <= number < len(records):
        raise FindingsError([finding("server.no_such_row", "row", got=number, rows=len(records))])
    record = records[number]
    seen.contents.records, seen.contents.marks = [record], Log()
    rows, found = check_contents(given["format"], seen.columns, [seen.contents])
    if rows is not None and rows.usable:
        return dict(rows.usable[0].fields or {}), record.line
    # One row alone is one class alone, which is no fault of the row.
    found = [item for item in found if item.code != "data.one_class"]
    if not errors(found):
        names = dict(seen.columns)
        value = record.value or {}
        text, label = value.get(names.get("text", "text")), value.get(names.get("label", "label"))
        return {"text": text, "label": str(label)}, record.line
    unusable = finding("server.row_unusable", seen.contents.name)
    place = join_places([(seen.contents.name, str(record.line or f"row {number + 1}"))])
    raise FindingsError([unusable, *(told(each, place) for each in record.problems), *found])


def _config(given: Mapping[str, Any], root: Root) -> dict[str, Any]:
    """Return the config that the process works with; a local model lies inside the root."""
    model = given["model_id"]
    if given["provider"] == "hf_local":
        try:
            path = Path(model)
            inner = root.path_of(path) if path.is_absolute() else model
            model = str(root.find(inner if inner is not None else "/.."))
        except (Problem, ValueError, OSError):
            shown = printable(given["model_id"], 200)
            raise FindingsError([finding("server.model_outside", "model_id", path=shown)]) from None
    config: dict[str, Any] = {
        "provider": given["provider"],
        "model_id": model,
        "dataset": {"path": "row", "format": given["format"]},
    }
    if given["revision"] is not None:
        config["revision"] = given["revision"]
    if given["max_seq_len"] is not None:
        config["hyperparams"] = {"max_seq_len": given["max_seq_len"]}
    return config


def _ask(request: Mapping[str, Any], child: Child, root: Root) -> dict[str, Any]:
    """Run the process and read its answer."""
    try:
        return child.ask(_MODULE, request, root.folder)
    except ChildError as error:
        if error.late:
            seconds = f"{child.timeout:g}"
            return _told(finding("server.render_timeout", "model_id", seconds=seconds))
        if error.no_runtime:
            values = {"python": child.python, "library": "ft_runtime"}
            return _told(finding("server.no_transformers", "model_id", **values))
        return _failed(str(error))


def _failed(problem: str) -> dict[str, Any]:
    return _told(finding("server.render_failed", "model_id", problem=printable(problem, 300)))


def _told(found: Finding) -> dict[str, Any]:
    return {"findings": [found.to_dict()]}
