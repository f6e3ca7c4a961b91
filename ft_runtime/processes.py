"""Several processes that train one model together, as ``torchrun`` starts them.

Everything here is harmless in a run of one process. What the processes tell each other goes over
gloo and the CPU, beside the group that adds up the gradients, so that it works the same with every
device and waits as long as it takes.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from ft_runtime.findings import FindingsError, finding

T = TypeVar("T")
PATIENCE = timedelta(days=1)
"""How long one process waits for another. One that dies is noticed at once: its connection ends."""

_group: Any = None
_AGREED = "_ft_agreed"


def count() -> int:
    """Return how many processes train together, as the launcher says."""
    launched = all(name in os.environ for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    return int(os.environ["WORLD_SIZE"]) if launched else 1


def rank() -> int:
    """Return the number of this process among them, from 0."""
    return int(os.environ["RANK"]) if count() > 1 else 0


def local_rank() -> int:
    """Return the number of this process on its machine, from 0: the GPU that it uses."""
    return int(os.environ["LOCAL_RANK"]) if count() > 1 else 0


def is_main() -> bool:
    """Return True in the one process that writes and tells."""
    return rank() == 0


def fsdp_asked() -> bool:
    """Return True when ``accelerate launch`` asks for FSDP."""
    return _asked("ACCELERATE_USE_FSDP")


def deepspeed_asked() -> bool:
    """Return True when ``accelerate launch`` asks for DeepSpeed."""
    return _asked("ACCELERATE_USE_DEEPSPEED")


def sharding_asked() -> bool:
    """Return True when ``accelerate launch`` asks for weights that are spread."""
    return fsdp_asked() or deepspeed_asked()


def _asked(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ("1", "true", "yes")


def refuse_pieces(model: Any) -> None:
    """Refuse a model whose weights are spread over several processes, where one of them uses it.

    Raises
    ------
    FindingsError
        ``training.fsdp_in_pieces``; without it the process would wait for the others for ever.
    """
    weights: Iterable[Any] = getattr(model, "parameters", tuple)()
    if any(hasattr(weight, "to_local") or hasattr(weight, "ds_id") for weight in weights):
        raise FindingsError([finding("training.fsdp_in_pieces")])


def joined() -> bool:
    """Return True between `join` and `leave`: the processes can talk."""
    return _group is not None


def join(device_type: str) -> None:
    """Meet the other processes; harmless when repeated, and with one process.

    Parameters
    ----------
    device_type : str
        ``cuda``, or whatever computes on the CPU's side.
    """
    global _group
    if count() == 1 or joined():
        return
    import torch
    from torch import distributed

    if device_type == "cuda":
        torch.cuda.set_device(local_rank())
    if not distributed.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if device_type == "cuda" else "gloo"
        distributed.init_process_group(backend)
    _group = distributed.new_group(backend="gloo", timeout=PATIENCE)


def leave() -> None:
    """Part from the other processes when the common work is done; each goes on alone."""
    global _group
    if not joined():
        return
    from torch import distributed

    barrier()
    _group = None
    distributed.destroy_process_group()


def barrier() -> None:
    """Wait until every process is here."""
    if joined():
        from torch import distributed

        distributed.barrier(group=_group)


def appointment(patience: timedelta) -> Callable[[], bool]:
    """Agree on a meeting; every process has to.

    Returns
    -------
    callable
        Waits until every process calls it, but no longer than that; returns whether they all did.
        Once one was missed there is no other.
    """
    if not joined():
        return lambda: True
    import torch
    from torch import distributed

    # So long they wait for each other to connect, too: nobody is to be elsewhere at that moment.
    barrier()
    group = distributed.new_group(backend="gloo", timeout=patience)

    def meet() -> bool:
        try:
            distributed.all_reduce(torch.zeros(1), group=group)
        except RuntimeError:
            return False
        return True

    return meet


def any_of(flag: bool) -> bool:
    """Return True in every process if `flag` is True in one of them."""
    if not joined():
        return flag
    import torch
    from torch import distributed

    value = torch.tensor([int(flag)])
    distributed.all_reduce(value, op=distributed.ReduceOp.MAX, group=_group)
    return bool(value.item())


def share(make: Callable[[], T]) -> T:
    """Return what `make` returns in the main process, which alone calls it.

    An exception in it is raised in every process.
    """
    if not joined():
        return make()
    from torch import distributed

    box: list[Any] = [None, None]
    if is_main():
        try:
            box[0] = make()
        except Exception as error:
            box[1] = _portable(error)
    distributed.broadcast_object_list(box, src=0, group=_group)
    if box[1] is not None:
        raise agreed(box[1])
    value: T = box[0]
    return value


@contextmanager
def agreeing() -> Iterator[None]:
    """Let every process leave the block in the same way.

    When it fails in one of them it fails in all: nobody waits for a process that is gone. The block
    itself must not talk to other processes. A process in which it did not fail gets the findings of
    the first one in which it did.
    """
    if not joined():
        yield
        return
    mine: BaseException | None = None
    try:
        yield
    except Exception as error:
        mine = error
    theirs = gather(None if mine is None else _portable(mine))
    if mine is not None:
        raise agreed(mine)
    for other in theirs:
        if other is not None:
            raise agreed(other)


def gather(value: T) -> list[T]:
    """Return the value of every process, in the order of their numbers."""
    if not joined():
        return [value]
    from torch import distributed

    found: list[Any] = [None] * count()
    distributed.all_gather_object(found, value, group=_group)
    return found


def agreed(error: BaseException) -> BaseException:
    """Mark an error that every process raises, so that one of them tells it."""
    setattr(error, _AGREED, True)
    return error


def tell_alone(error: BaseException) -> None:
    """Print what ended this process and no other; the main process prints for itself."""
    if not is_main() and not hasattr(error, _AGREED):
        print(f"[process {rank()} of {count()}] {error}", file=sys.stderr, flush=True)


def _portable(error: BaseException) -> BaseException:
    """Return an exception that can be sent to another process."""
    if isinstance(error, FindingsError):
        return FindingsError(error.findings)
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
