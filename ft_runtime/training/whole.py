"""Putting spread weights together again: for a checkpoint, and for good when training is over."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime import memory, processes
from ft_runtime.findings import finding, notify
from ft_runtime.training import partitions

if TYPE_CHECKING:
    import torch
    from torch import nn

_ROOM = 1.25
"""Free memory of a GPU, over the weights' bytes, at which the whole model is put on it."""
WEIGHTS, OPTIMIZER, SCHEDULE = "pytorch_model_fsdp.bin", "optimizer.bin", "scheduler.pt"
"""Files of a checkpoint, as accelerate names them."""


@dataclass
class Gathered:
    """Weights and states of the optimizer by name, whole and on the CPU; empty but in the first.

    Attributes
    ----------
    weights : dict
        Those that are trained, of an adapter; else all.
    optimizer : dict
    """

    weights: dict[str, Any]
    optimizer: dict[str, Any]


def gather(trainer: Any, adapter: bool) -> Gathered:
    """Gather what a checkpoint holds. All processes call this together; nothing is written."""
    from torch.distributed.checkpoint import state_dict

    if trainer.is_deepspeed_enabled:
        return Gathered(partitions.gather(trainer.model, adapter), {})
    options = state_dict.StateDictOptions(
        full_state_dict=True, cpu_offload=True, ignore_frozen_params=adapter
    )
    weights = state_dict.get_model_state_dict(trainer.model, options=options)
    states = state_dict.get_optimizer_state_dict(trainer.model, trainer.optimizer, options=options)
    return Gathered(weights, dict(states))


def write(gathered: Gathered, schedule: dict[str, Any], folder: Path) -> None:
    """Write what was gathered where accelerate looks for it when the training goes on."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    torch.save(gathered.weights, folder / WEIGHTS)
    torch.save(gathered.optimizer, folder / OPTIMIZER)
    torch.save(schedule, folder / SCHEDULE)


def is_ours(folder: Path) -> bool:
    """Return True for the checkpoint of a training with spread weights."""
    return (folder / WEIGHTS).is_file()


def load(trainer: Any, folder: Path) -> None:
    """Load the weights of a checkpoint into a model that is not spread, and will not be.

    Raises
    ------
    RuntimeError
        When a weight that is trained is not among them.
    """
    import torch

    weights = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
    missing, unknown = trainer.model.load_state_dict(weights, strict=False)
    trained = {name for name, part in trainer.model.named_parameters() if part.requires_grad}
    if unknown or trained.intersection(missing):
        raise RuntimeError(f"{folder / WEIGHTS} is of another model")
    trainer.model.to(trainer.args.device)
    trainer.skeleton = None


class Skeleton:
    """A model's modules without weights, taken before the weights are spread.

    Spreading changes classes, hooks and weights of the modules at hand. torch has no way back, so
    the model becomes this copy, with the gathered weights in it.

    Parameters
    ----------
    model : nn.Module
        Stays as it is; its weights are not copied.
    """

    def __init__(self, model: nn.Module) -> None:
        from torch import nn

        known = {
            id(weight): nn.Parameter(weight.detach().to("meta"), weight.requires_grad)
            for weight in model.parameters()
        }
        self._copy = copy.deepcopy(model, known)

    def fill(self, model: nn.Module, device: str) -> None:
        """Turn a spread model into a whole one; all processes call this together.

        Parameters
        ----------
        model : nn.Module
            The one that was copied, spread since. Whoever holds it has the whole model then, in
            the first process; in the others it has no weights any more.
        device : str
            Where the whole weights go.
        """
        made: dict[int, nn.Parameter] = {}
        for name, weight in model.named_parameters(remove_duplicate=False):
            if id(weight) not in made:
                made[id(weight)] = _whole(weight, device)
            self._put(name, made[id(weight)])
        if processes.is_main():
            for name, buffer in model.named_buffers(remove_duplicate=False):
                self._put(name, buffer.to(device))
        training = model.training
        # The very object that the caller holds becomes the copy.
        model.__dict__.clear()
        model.__dict__.update(self._copy.__dict__)
        model.__class__ = type(self._copy)
        model.train(training)

    def _put(self, name: str, tensor: torch.Tensor) -> None:
        path, _, leaf = name.rpartition(".")
        setattr(self._copy.get_submodule(path), leaf, tensor)


def _whole(weight: torch.Tensor, device: str) -> nn.Parameter:
    """Return the whole of a weight, in the first process; of its shape alone in the others."""
    from torch import nn

    where = device if processes.is_main() else "meta"
    with partitions.whole(weight) as there:
        tensor: Any = there.detach()
        tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
        # What was gathered is let go of behind this.
        kept = tensor.to(where, copy=partitions.is_divided(weight))
    return nn.Parameter(kept, weight.requires_grad)


def make_whole(trainer: Any) -> None:
    """Make the model of a trainer whole when its training is over, in the first process.

    The states of the optimizer are given up: a checkpoint has them.
    """
    from ft_runtime.artifacts.folder import megabytes
    from ft_runtime.evaluation.state import free_memory
    from ft_runtime.training.sharding import fold

    model = trainer.model
    fold(model)
    trainer.optimizer = trainer.lr_scheduler = trainer.deepspeed = None
    trainer.callback_handler.optimizer = trainer.callback_handler.lr_scheduler = None
    trainer.accelerator.free_memory()
    free_memory()
    device = str(trainer.args.device)
    weights = model.parameters()
    size = sum(partitions.size(weight) * weight.element_size() for weight in weights)
    kind = trainer.args.device.type
    free = memory.available(kind)
    if kind != "cpu" and _ROOM * size > free:
        device = "cpu"
        values = {"size": megabytes(size), "free": megabytes(free)}
        notify(finding("training.whole_on_cpu", where="hw.device", **values))
    trainer.skeleton.fill(model, device)
    trainer.model_wrapped = trainer.callback_handler.model = model
    # A training that goes on spreads the weights anew; in the others there are none left.
    trainer.skeleton = None
    free_memory()
