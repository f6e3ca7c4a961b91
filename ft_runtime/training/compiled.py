"""A model's layers, compiled by torch while they are trained, and plain at any other time.

Compiled is the ``forward`` of each repeated layer and not the model: the layers share their code,
so it is compiled once; nothing wraps a module, so the names of weights stay what they are; and
evaluation, generation and whoever holds the model afterwards get the plain layers.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import finding, notify
from ft_runtime.training import segments

if TYPE_CHECKING:
    from torch import nn

BACKEND = "inductor"
"""What torch compiles with: C++ on a CPU, Triton on a GPU."""
# The random numbers of dropout are those of training without a compiler.
_OPTIONS: dict[str, dict[str, Any]] = {"inductor": {"fallback_random": True}}
_LOG = "torch._dynamo.convert_frame"


class CompiledLayers:
    """The repeated layers of a model with a compiled ``forward`` each.

    Shapes are dynamic: micro-batches are cut by tokens, and no two have the same length. Packed
    attention, which goes through the rows of a micro-batch one by one, stays outside.

    Parameters
    ----------
    model : nn.Module
        Nothing about it is changed until `on`.

    Attributes
    ----------
    layers : list of nn.Module
        Empty for a model without repeated layers.
    """

    def __init__(self, model: nn.Module) -> None:
        import torch

        segments.register(outside_compiler=True)
        self.layers = repeated_layers(model)
        more = {"options": _OPTIONS[BACKEND]} if BACKEND in _OPTIONS else {}
        self._forwards = [
            torch.compile(layer.forward, dynamic=True, backend=BACKEND, **more)
            for layer in self.layers
        ]
        self._limit = _Limit()

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """Compute the layers compiled while the block runs; its backward pass has to be in it."""
        log = logging.getLogger(_LOG)
        log.addHandler(self._limit)
        before = [vars(layer).get("forward") for layer in self.layers]
        for layer, forward in zip(self.layers, self._forwards, strict=True):
            layer.forward = forward
        try:
            yield
        finally:
            log.removeHandler(self._limit)
            for layer, own in zip(self.layers, before, strict=True):
                if own is None:
                    del layer.forward
                else:
                    layer.forward = own


class _Limit(logging.Handler):
    """Tells once that torch gave up on compiling something anew, which it logs alone."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._told and "recompile_limit" in record.getMessage():
            self._told = True
            notify(finding("training.recompile_limit", where="hyperparams.torch_compile"))


def repeated_layers(model: nn.Module) -> list[nn.Module]:
    """Return the layers that a model has one after the other.

    They are the members of its outermost lists (``nn.ModuleList``) of one class each: the decoder's
    layers, and not the experts within one of them.
    """
    from torch import nn

    found: list[nn.Module] = []
    for child in model.children():
        kinds = {type(layer) for layer in child} if isinstance(child, nn.ModuleList) else set()
        found += list(child) if len(kinds) == 1 else repeated_layers(child)
    return found
