"""Checking a config: the findings, and the config completed with defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ft_runtime.config import Config, check_config, parse_text
from ft_runtime.findings import FindingsError
from jupyter_ft.services.problem import fields, invalid_config, refuse


def validate(body: Mapping[str, Any]) -> dict[str, Any]:
    """Answer what is wrong with a config.

    Parameters
    ----------
    body : Mapping
        ``config``, the document, or ``text``, the document as YAML or JSON.

    Returns
    -------
    dict
        ``valid``, ``findings``; ``config`` complete with defaults and ``yaml``, both None when
        there are errors.
    """
    given = fields(body, {"config": "object", "text": "string"})
    if given["config"] is None and given["text"] is None:
        raise refuse(400, "server.missing_field", "config", name="config", expected="an object")
    if given["config"] is not None and given["text"] is not None:
        raise refuse(400, "server.both_fields", "config", first="config", second="text")
    try:
        document = parse_text(given["text"]) if given["config"] is None else given["config"]
        config, findings = check_config(document)
    except FindingsError as error:
        config, findings = None, error.findings
    return {
        "valid": config is not None,
        "findings": [item.to_dict() for item in findings],
        "config": config.to_dict() if config is not None else None,
        "yaml": config.to_yaml() if config is not None else None,
    }


def checked(document: Mapping[str, Any]) -> Config:
    """Return a config without errors.

    Raises
    ------
    Problem
        400 ``config.invalid`` with every finding.
    """
    config, findings = check_config(document)
    if config is None:
        raise invalid_config(findings)
    return config
