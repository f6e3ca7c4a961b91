"""Exceptions of the libraries, told as findings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ft_runtime.findings import Finding, FindingsError, finding

_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


@contextmanager
def told(name: str, what: str = "model") -> Iterator[None]:
    """Turn whatever goes wrong while the libraries load `name` into a `FindingsError`.

    Parameters
    ----------
    name : str
        The folder or the id that is being loaded.
    what : {"model", "tokenizer"}
        What is loaded.

    Notes
    -----
    A damaged file can make a library raise anything, a TypeError as well as a ValueError. The
    exception itself stays the cause of the `FindingsError`.
    """
    try:
        yield
    except FindingsError:
        raise
    except Exception as error:
        raise FindingsError([explain(error, name, what)]) from error


def explain(error: Exception, name: str, what: str = "model") -> Finding:
    """Return the finding for an exception of transformers, safetensors or torch."""
    kind = type(error).__name__
    reason = _reason(error)
    if kind in ("SafetensorError", "UnpicklingError"):
        return finding("models.corrupt_weights", where=name, got=reason)
    if isinstance(error, MemoryError) or any(part in str(error).lower() for part in _MEMORY):
        return finding("models.out_of_memory", where="model_id", name=name)
    if isinstance(error, ImportError):
        return finding("models.missing_library", where="model_id", name=name, got=reason)
    code = "models.no_tokenizer" if what == "tokenizer" else "models.cannot_load"
    return finding(code, where="model_id", name=name, got=reason)


def _reason(error: Exception) -> str:
    """Return the first line of an error's text, with its name where the text alone is cryptic."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kind = type(error).__name__
    if not lines:
        return kind
    plain = isinstance(error, (OSError, ValueError, RuntimeError, ImportError))
    return lines[0] if plain else f"{kind}: {lines[0]}"
