"""Running out of memory, in all its forms."""

from __future__ import annotations

import gc
import traceback
from typing import Any

from ft_runtime.findings import FindingsError

_TEXTS = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "defaultcpuallocator",
    "failed to allocate",
    "bad_alloc",
)


class DoesNotFitError(FindingsError):
    """A step does not fit into memory; its findings list what can be done."""


def is_out_of_memory(error: BaseException | None) -> bool:
    """Return True if the error, or one behind it, says that there was no memory left.

    torch raises ``torch.OutOfMemoryError`` on a GPU and a plain RuntimeError of its allocator on a
    CPU (under a limit: an unlimited process is ended by the system instead); Python a MemoryError.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            return True
        if isinstance(error, RuntimeError | OSError) and not isinstance(error, FindingsError):
            words = str(error).lower()
            if any(part in words for part in _TEXTS):
                return True
        error = error.__cause__ or error.__context__
    return False


def free_memory(model: Any, error: BaseException) -> None:
    """Give back what a step that did not fit still holds: gradients, and tensors of its frames."""
    import torch

    link: BaseException | None = error
    while link is not None:
        traceback.clear_frames(link.__traceback__)
        link = link.__cause__ or link.__context__
    model.zero_grad(set_to_none=True)
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def first_line(error: BaseException) -> str:
    """Return what an error says, for a finding."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
