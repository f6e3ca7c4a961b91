"""The route ``estimate``: memory and time of a config on a device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ft_runtime.config import Config
from ft_runtime.data.places import printable
from ft_runtime.findings import Finding, finding, text
from jupyter_ft.services.estimate.device import Machine, machine, named
from jupyter_ft.services.estimate.memory import memory, trainable
from jupyter_ft.services.estimate.setting import setting
from jupyter_ft.services.estimate.shape import Shape, UnknownShapeError, shape_of
from jupyter_ft.services.estimate.time import seconds
from jupyter_ft.services.models.check import find_model
from jupyter_ft.services.models.facts import context_length
from jupyter_ft.services.models.hub import HubClient
from jupyter_ft.services.places import Root
from jupyter_ft.services.problem import Problem, fields
from jupyter_ft.services.statistics import sizes
from jupyter_ft.services.validate import checked

_DEVICES = ("cpu", "cuda", "mps")


def estimate(body: Mapping[str, Any], root: Root, hub: HubClient) -> dict[str, Any]:
    """Answer how much memory and time a config takes.

    Parameters
    ----------
    body : Mapping
        ``config``; ``device`` ({type, name, memory_bytes}) when it is not this machine;
        ``data`` ({rows, characters, longest_bytes}: of the dataset, of a row on average, and of
        the longest row) for the time, and for what a batch takes.
    root, hub
        Where the model's config is read.

    Returns
    -------
    dict
        ``memory`` is None when the model or its architecture is not known; a finding says why.

    Raises
    ------
    Problem
        400 when the config has errors.
    """
    kinds = {"config": "object", "device": "object", "data": "object"}
    given = fields(body, kinds, ["config"])
    device = _device(given["device"])
    data = _data(given["data"])
    config = checked(given["config"])
    device = device or machine(config.hw.device)
    facts = find_model(config.provider, config.model_id, config.revision, root, hub)
    answer: dict[str, Any] = {
        "memory": None,
        "device": {"name": device.name, "type": device.type, "memory_bytes": device.memory},
        "fits": None,
        "trainable_parameters": None,
        "parameters": facts.parameters(),
        "time_seconds": None,
        "method": text("server.estimate_method"),
    }
    if facts.config is None:
        name = printable(config.model_id, 120)
        unread = finding("server.model_unread", "model_id", id=name)
        return {**answer, "findings": _told([*facts.findings, unread])}
    try:
        shape = shape_of(facts.config)
    except UnknownShapeError as unknown:
        odd = finding("server.model_shape", "model_id", got=printable(str(unknown), 60))
        return {**answer, "findings": _told([odd])}
    return {**answer, **_computed(config, shape, device, data, context_length(facts.config))}


def _computed(
    config: Config, shape: Shape, device: Machine, data: dict[str, Any], longest: int | None
) -> dict[str, Any]:
    use = setting(config, device.type, longest, data["longest_bytes"], device.units)
    parts = memory(shape, config, use)
    fits = None if device.memory is None else parts.total <= device.memory
    found: list[Finding] = []
    if fits is None:
        found.append(finding("server.device_unknown", "hw.device", got=device.name))
    elif not fits:
        need, there = sizes(parts.total), sizes(device.memory or 0)
        values = {"need": need, "there": there, "name": device.name}
        found.append(finding("server.does_not_fit", "hyperparams", **values))
    if config.tune_type == "qlora" and device.type != "cuda":
        found.append(finding("server.qlora_here", "tune_type", name=device.name))
    return {
        "memory": parts.to_dict(),
        "fits": fits,
        "trainable_parameters": trainable(shape, config),
        "parameters": shape.parameters,
        "time_seconds": seconds(shape, config, use, device.rate(use.mixed), data),
        "findings": _told(found),
    }


def _data(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Read what is known of the dataset."""
    data = fields(
        given or {}, {"rows": "integer", "characters": "number", "longest_bytes": "integer"}
    )
    for name, value in data.items():
        if value is not None and not 0 <= value < 1 << 60:
            where = f"data.{name}"
            values = {"name": where, "expected": "a count from 0", "got": "another number"}
            raise Problem(400, finding("server.bad_field", where, **values))
    return data


def _device(given: Mapping[str, Any] | None) -> Machine | None:
    """Read the device of a request."""
    if given is None:
        return None
    known = {"type": "string", "name": "string", "memory_bytes": "integer"}
    told = fields(given, known, ["type"])
    if told["type"] not in _DEVICES:
        got = printable(told["type"], 60)
        values = {"name": "device.type", "expected": "one of " + ", ".join(_DEVICES), "got": got}
        raise Problem(400, finding("server.bad_field", "device.type", **values))
    size = told["memory_bytes"]
    if size is not None and not 0 < size < 1 << 60:
        values = {"name": "device.memory_bytes", "expected": "a size in bytes", "got": "another"}
        raise Problem(400, finding("server.bad_field", "device.memory_bytes", **values))
    return named(told["type"], size, printable(told["name"] or "", 80))


def _told(found: list[Finding]) -> list[dict[str, str]]:
    return [item.to_dict() for item in found]
