"""Making a training fit into memory: estimate, try one real step, and climb down a ladder."""

from __future__ import annotations

from ft_runtime.fit.before import before_training, make_it_fit
from ft_runtime.fit.during import rescue_class
from ft_runtime.fit.errors import DoesNotFitError, is_out_of_memory
from ft_runtime.fit.ladder import Rung, rungs

__all__ = [
    "DoesNotFitError",
    "Rung",
    "before_training",
    "is_out_of_memory",
    "make_it_fit",
    "rescue_class",
    "rungs",
]
