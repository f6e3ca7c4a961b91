"""Change single fields from the command line: ``--set hyperparams.num_epochs=2``."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from ft_runtime.config.read import parse_text
from ft_runtime.findings import FindingsError, finding


def apply_overrides(document: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Return a copy of the document with ``path=value`` assignments applied in order.

    Parameters
    ----------
    document : Mapping
        A config document, checked or not.
    assignments : iterable of str
        Each ``dotted.path=value``; the value is read as YAML.

    Raises
    ------
    FindingsError
        ``config.bad_override`` for an assignment without a path or through a value.
    """
    result = copy.deepcopy(dict(document))
    for assignment in assignments:
        path, equals, value = assignment.partition("=")
        names = path.strip().split(".")
        if not equals or not all(names):
            raise FindingsError([finding("config.bad_override", got=assignment)])
        target = result
        for name in names[:-1]:
            target = target.setdefault(name, {})
            if not isinstance(target, dict):
                raise FindingsError([finding("config.bad_override", got=assignment)])
        # A flow mapping holds the value at its place without a second parser; a text with odd
        # characters is quoted by the caller as in any YAML.
        target[names[-1]] = parse_text(f"value: {value}", assignment)["value"]
    return result
