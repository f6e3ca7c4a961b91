"""Compiling before the first step: tried on real rows, checked, and told with what it costs."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import finding, notify, text
from ft_runtime.fit.errors import first_line, free_memory, is_out_of_memory
from ft_runtime.fit.longest import longest_part, row_lengths
from ft_runtime.fit.step import without_trace
from ft_runtime.training.compiled import CompiledLayers
from ft_runtime.training.microbatches import Step, supervised_of

if TYPE_CHECKING:
    from ft_runtime.runs import Run

Part = Sequence[Mapping[str, Any]]

WHERE = "hyperparams.torch_compile"
RECORD = "compiled"
"""The field of ``manifest.json``."""
# Loss, and norm of the gradient, may differ by that: rounding in 16 bits, and in 32.
_SAME = {True: 0.05, False: 1e-3}


def compile_layers(trainer: Any, model: Any, run: Run) -> None:
    """Let the trainer compute its steps with compiled layers, if they prove to be the same.

    The largest micro-batch is computed plain and compiled, twice each: its loss and gradient must
    be the same, and the times are told. It leaves no trace. Where something is missing, or
    odd, the training goes on without a compiler, and a warning says why: it changes the speed and
    nothing else.

    Parameters
    ----------
    trainer : Trainer
        From `build_trainer`, in its training.
    model : Module
        The model as it is trained: wrapped.
    run : Run
        Records what it took.
    """
    trainer.compiled = None
    if trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled:
        _tell_why_not(text("training.compile_sharded"))
        return
    layers = CompiledLayers(trainer.model)
    if not layers.layers:
        _tell_why_not(text("training.compile_layers"))
        return
    part = longest_part(trainer, row_lengths(trainer.train_dataset))
    try:
        with warnings.catch_warnings():
            # The compiler looks at what passes between layers; nobody reads a gradient there.
            warnings.filterwarnings(
                "ignore", message=".*attribute of a Tensor that is not a leaf.*"
            )
            reason = _try(trainer, model, layers, part, run)
    except Exception as error:
        # The compiler is a C++ compiler or Triton, and a cache on the disk: anything can be wrong.
        if is_out_of_memory(error):
            raise
        reason = _root(error)
        free_memory(model, error)
    if reason:
        trainer.compiled = None
        _tell_why_not(reason)


def _try(trainer: Any, model: Any, layers: CompiledLayers, part: Part, run: Run) -> str:
    """Return what speaks against the compiled layers; they are in use if nothing does."""
    plain, _ = _once(trainer, model, part)
    trainer.compiled = layers
    begin = time.perf_counter()
    found, _ = _once(trainer, model, part)
    # Another length, of another number of rows: what is still to be compiled is compiled here.
    _once(trainer, model, part[:1])
    seconds = time.perf_counter() - begin
    _, after = _once(trainer, model, part)
    trainer.compiled = None
    _, before = _once(trainer, model, part)  # not the first time: that one pays for much else
    trainer.compiled = layers
    for name, one, other in zip(("loss", "gradient"), plain, found, strict=True):
        # Written so that a NaN is odd, too.
        if not abs(one - other) <= _SAME[trainer.half] * max(1.0, abs(one)):
            return text(f"training.compile_{name}", plain=f"{one:.4g}", compiled=f"{other:.4g}")
    values = {"seconds": round(seconds, 1), "before": round(before, 4), "after": round(after, 4)}
    run.update(**{RECORD: values})
    faster = "training.compile_faster" if after < before else "training.compile_slower"
    spared = before - after
    told = text(faster, steps=max(1, round(seconds / spared)) if spared > 0 else 0)
    numbers = {"seconds": f"{seconds:.0f}", "before": f"{before:.3g}", "after": f"{after:.3g}"}
    notify(finding("training.compiled", WHERE, layers=len(layers.layers), told=told, **numbers))
    return ""


def _once(trainer: Any, model: Any, part: Part) -> tuple[tuple[float, float], float]:
    """Return loss and gradient norm of a micro-batch as it is trained, and the seconds it took."""
    import torch

    count = torch.tensor(max(1, sum(map(supervised_of, part))), device=trainer.args.device)
    with without_trace(trainer, model):
        begin = time.perf_counter()
        loss = float(trainer.training_step(model, Step([list(part)]), count))
        seconds = time.perf_counter() - begin
        squares = [
            float(torch.linalg.vector_norm(weight.grad, dtype=torch.float32)) ** 2
            for weight in trainer.model.parameters()
            if weight.grad is not None
        ]
    return (loss, sum(squares) ** 0.5), seconds


def _root(error: BaseException) -> str:
    """Return what is behind an error of torch's compiler, which wraps it in its own."""
    while inner := getattr(error, "inner_exception", None) or error.__cause__:
        error = inner
    return f"{type(error).__name__}: {first_line(error)}"


def _tell_why_not(reason: str) -> None:
    notify(finding("training.not_compiled", WHERE, reason=reason))
