"""One row as the model sees it, rendered by a process of its own that loads the tokenizer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from ft_runtime.data.load import check_contents
from ft_runtime.data.places import printable
from ft_runtime.findings import Finding, FindingsError, errors, finding
from jupyter_ft.services.models.check import PROVIDERS
from jupyter_ft.services.places import Root
from jupyter_ft.services.preview import Limits, check_choice, check_ending, look
from jupyter_ft.services.problem import Problem, fields, refuse

_MODULE = "ft_runtime.tokens.single"
_FIELDS = {
    "path": "string", "format": "string", "columns": "object", "provider": "string",
    "model_id": "string", "revision": "string", "row": "integer", "max_seq_len": "integer",
}  # fmt: skip


@dataclass(frozen=True)
class Renderer:
    """How rows are rendered.

    Attributes
    ----------
    python : str
        Interpreter that has transformers.
    timeout : float
        Seconds after which the process is stopped.
    """

    python: str
    timeout: float = 60.0


def render(
    body: Mapping[str, Any], root: Root, limits: Limits, renderer: Renderer
) -> dict[str, Any]:
    """Answer one row of a file as text with what is learned marked.

    Parameters
    ----------
    body : Mapping
        ``path``, ``format``, ``columns``; ``provider``, ``model_id``, ``revision``; ``row``,
        counted from 0, by default the first; ``max_seq_len``.

    Returns
    -------
    dict
        ``segments`` is empty when the row cannot be shown; a finding says why.
    """
    given = fields(body, _FIELDS, ["path", "format", "provider", "model_id"])
    check_choice(given["format"], given["columns"])
    if given["provider"] not in PROVIDERS:
        values = {"expected": "one of " + ", ".join(PROVIDERS), "got": "another"}
        raise refuse(400, "server.bad_field", "provider", name="provider", **values)
    place = root.file(given["path"])
    name = PurePath(given["path"]).name
    check_ending(name, limits)
    empty: dict[str, Any] = {
        "segments": [],
        "tokens": 0,
        "supervised_tokens": 0,
        "template": None,
        "label": None,
    }
    try:
        row, line = _row(given, look(place, name, given["format"], given["columns"], limits))
        config = _config(given, root)
    except FindingsError as error:
        return {**empty, "findings": [item.to_dict() for item in error.findings]}
    request = {"config": config, "fields": row, "source": printable(name, 200), "line": line}
    return {**empty, **_ask(request, renderer, root)}


def _row(given: Mapping[str, Any], seen: Any) -> tuple[dict[str, Any], int]:
    """Return the fields of the chosen row, and its line."""
    number = given["row"] or 0
    records = [record for record in seen.contents.records if not record.blank]
    if not 0 <= number < len(records):
        raise FindingsError([finding("server.no_such_row", "row", got=number, rows=len(records))])
    record = records[number]
    seen.contents.records = [record]
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
    raise FindingsError([unusable, *record.problems, *found])


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


def _ask(request: Mapping[str, Any], renderer: Renderer, root: Root) -> dict[str, Any]:
    """Run the process and read its answer."""
    command = [renderer.python, "-m", _MODULE]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=root.folder,
            env={**os.environ, "TOKENIZERS_PARALLELISM": "false", "PYTHONSAFEPATH": "1"},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return _failed(f"{renderer.python}: {error}")
    try:
        data = json.dumps(request).encode()
        output, complaints = process.communicate(data, timeout=renderer.timeout)
    except subprocess.TimeoutExpired:
        _stop(process)
        seconds = f"{renderer.timeout:g}"
        return _told(finding("server.render_timeout", "model_id", seconds=seconds))
    try:
        answer = json.loads(output.splitlines()[-1])
    except (ValueError, IndexError):
        lines = complaints.decode("utf-8", "replace").strip().splitlines()
        last = lines[-1] if lines else f"exit code {process.returncode}"
        if "ft_runtime" in last and "No module named" in last:
            values = {"python": renderer.python, "library": "ft_runtime"}
            return _told(finding("server.no_transformers", "model_id", **values))
        return _failed(last)
    return answer if isinstance(answer, dict) else _failed("no answer")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it has started."""
    with suppress(ProcessLookupError, PermissionError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.communicate()


def _failed(problem: str) -> dict[str, Any]:
    return _told(finding("server.render_failed", "model_id", problem=printable(problem, 300)))


def _told(found: Finding) -> dict[str, Any]:
    return {"findings": [found.to_dict()]}
