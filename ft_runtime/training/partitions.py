"""What DeepSpeed does in a training, and what it divided: the engine's step, states and weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime import processes

if TYPE_CHECKING:
    import torch
    from torch import nn

_STATES, _SCHEDULE = "optimizer_{rank}.pt", "scheduler.pt"
"""Files of a checkpoint; each process writes its part of the optimizer."""


_WEIGHTS = 3
"""The stage that divides the weights."""


def stage_of(trainer: Any) -> int:
    """Return ZeRO's stage of a trainer that uses DeepSpeed."""
    asked = trainer.accelerator.state.deepspeed_plugin.deepspeed_config
    return int(asked["zero_optimization"]["stage"])


class Steps:
    """Takes the place of accelerate's hold on the engine, which steps inside of the backward pass.

    There a loss that is no number would reach the weights before anybody could look at it. Here the
    step is taken when its norm is asked for, which DeepSpeed knows once it has taken the step.

    Parameters
    ----------
    engine : deepspeed.DeepSpeedEngine
    check : callable
        Called before each step; what it raises keeps the weights as they are.
    """

    def __init__(self, engine: Any, check: Any) -> None:
        self.engine = engine
        self._check = check
        self._due = False

    def backward(self, loss: torch.Tensor, sync_gradients: bool = True, **kwargs: Any) -> None:
        """Add the gradient of a micro-batch; the last one of a step is told by `sync_gradients`."""
        self.engine.set_gradient_accumulation_boundary(is_boundary=sync_gradients)
        self.engine.backward(loss, **kwargs)
        self._due = sync_gradients

    def get_global_grad_norm(self) -> float | None:
        """Take the step that is due, and return the norm of its gradient before it was clipped."""
        if self._due:
            self._check()
            self._due = False
            self.engine.step()
        norm = self.engine.get_global_grad_norm()
        return float(norm) if norm is not None else None


def divide(trainer: Any, steps: int) -> None:
    """Divide the weights of stage 3, tensor by tensor: a GPU never has to hold all of them."""
    import deepspeed

    plugin = trainer.accelerator.state.deepspeed_plugin
    if plugin.zero_stage != 3:
        return
    plugin.hf_ds_config.trainer_config_finalize(trainer.args, trainer.model, steps)
    # It finds the processes as they are; without this it would take each for the only one.
    deepspeed.init_distributed(auto_mpi_discovery=False)
    deepspeed.zero.Init(module=trainer.model, config_dict_or_path=plugin.deepspeed_config)
    for buffer in trainer.model.buffers():
        buffer.data = buffer.data.to(trainer.args.device)


@contextlib.contextmanager
def whole(weight: torch.Tensor) -> Iterator[torch.Tensor]:
    """Give the whole of a weight; all processes do so together where it is divided."""
    if not is_divided(weight):
        yield weight
        return
    import deepspeed

    with deepspeed.zero.GatheredParameters([weight]):
        yield weight


def is_divided(weight: torch.Tensor) -> bool:
    """Return True for a weight of ZeRO's stage 3."""
    return hasattr(weight, "ds_id")


def size(weight: torch.Tensor) -> int:
    """Return how many numbers a weight has, wherever they are."""
    return int(getattr(weight, "ds_numel", weight.numel()))


def gather(model: nn.Module, trained_only: bool) -> dict[str, torch.Tensor]:
    """Return weights and buffers by name, whole and on the CPU; nothing but in the first process.

    All processes call this together.
    """
    found: dict[str, torch.Tensor] = {}
    known: dict[int, torch.Tensor] = {}
    for name, weight in model.named_parameters(remove_duplicate=False):
        if trained_only and not weight.requires_grad:
            continue
        if id(weight) not in known:
            with whole(weight) as tensor:
                known[id(weight)] = _kept(tensor)
        found[name] = known[id(weight)]
    if not trained_only:
        saved = model.state_dict().keys()
        found |= {name: _kept(part) for name, part in model.named_buffers() if name in saved}
    return found if processes.is_main() else {}


def _kept(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", copy=True) if processes.is_main() else tensor.detach()[:0]


def write(trainer: Any, folder: Path) -> None:
    """Write this process's part of the optimizer; nobody waits for anybody."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    optimizer = trainer.model_wrapped.optimizer
    groups = [
        {name: value for name, value in group.items() if name != "params"}
        for group in optimizer.param_groups
    ]
    states = [optimizer.optimizer.state.get(part, {}) for part in _parts(optimizer)]
    torch.save({"groups": groups, "states": states}, _states(folder))
    if processes.is_main():
        torch.save(trainer.lr_scheduler.state_dict(), folder / _SCHEDULE)


def load(trainer: Any, folder: Path) -> None:
    """Load what `write` wrote into an engine that was made of the weights of that checkpoint."""
    import torch

    optimizer = trainer.model_wrapped.optimizer
    saved = torch.load(_states(folder), map_location="cpu", weights_only=True)
    for group, values in zip(optimizer.param_groups, saved["groups"], strict=True):
        group.update(values)  # the learning rate of the moment
    for part, state in zip(_parts(optimizer), saved["states"], strict=True):
        optimizer.optimizer.state[part] = {
            # A count of steps stays where the optimizer keeps it: on the CPU, but for a fused one.
            name: value.to(part.device) if value.dim() or _fused(optimizer) else value
            for name, value in state.items()
        }
    schedule = torch.load(folder / _SCHEDULE, map_location="cpu", weights_only=True)
    trainer.lr_scheduler.load_state_dict(schedule)


def _parts(optimizer: Any) -> list[torch.Tensor]:
    """Return what this process has of the trained weights: float32, laid end to end."""
    stage_3 = getattr(optimizer, "fp32_partitioned_groups_flat", None)
    return list(optimizer.single_partition_of_fp32_groups if stage_3 is None else stage_3)


def _fused(optimizer: Any) -> bool:
    return bool(optimizer.optimizer.defaults.get("fused"))


def _states(folder: Path) -> Path:
    return folder / _STATES.format(rank=processes.rank())
