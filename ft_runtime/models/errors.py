"""Exceptions of the libraries, told as findings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ft_runtime.findings import Finding, FindingsError, finding


@contextmanager
def told(name: str, what: str = "model") -> Iterator[None]:
    """Turn what goes wrong while loading `name` into a `FindingsError`.

    Parameters
    ----------
    name : str
        The folder or the id that is being loaded.
    what : {"model", "tokenizer"}
        What is loaded.

    Notes
    -----
    Mistakes of the caller (TypeError, AttributeError, ...) pass through: hiding them would hide
    where they are.
    """
    try:
        yield
    except FindingsError:
        raise
    except Exception as error:
        problem = explain(error, name, what)
        if problem is None:
            raise
        raise FindingsError([problem]) from error


def explain(error: Exception, name: str, what: str = "model") -> Finding | None:
    """Return the finding for an exception of transformers, safetensors or torch, if it is one."""
    kind = type(error).__name__
    values: dict[str, Any] = {"where": "model_id", "name": name, "got": _reason(error)}
    if kind == "SafetensorError" or kind == "UnpicklingError":
        return finding("models.corrupt_weights", where=name, got=_reason(error))
    if kind == "OutOfMemoryError" or isinstance(error, MemoryError):
        return finding("models.out_of_memory", where="model_id", name=name)
    if isinstance(error, ImportError):
        return finding("models.missing_library", **values)
    if isinstance(error, (OSError, ValueError, RuntimeError, KeyError)):
        code = "models.no_tokenizer" if what == "tokenizer" else "models.cannot_load"
        return finding(code, **values)
    return None


def _reason(error: Exception) -> str:
    """Return the first line of an error's text, or its name when it has none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
