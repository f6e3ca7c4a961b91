"""What must be in order before several processes, or a sharded model, are trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime import processes
from ft_runtime.findings import Finding, finding, notify, raise_for_errors

if TYPE_CHECKING:
    from transformers import PreTrainedModel, TrainingArguments

_COUNTS = ("--num_processes", "--num-processes")
# Which of these an input uses depends on the input.
_SPARSE = ("num_experts", "num_local_experts", "n_routed_experts")


def check_parallel(args: TrainingArguments) -> None:
    """Refuse what the libraries would silently do otherwise; tell of processes that are missing.

    Raises
    ------
    FindingsError
        ``training.fsdp_needs_gpu``: on a CPU accelerate turns FSDP 2 into plain data parallelism
        without a word, and FSDP 1 crashes.
    """
    found: list[Finding] = []
    device = args.device.type
    if (args.fsdp or processes.fsdp_asked()) and device != "cuda":
        found.append(finding("training.fsdp_needs_gpu", where="hw.device", got=device))
    raise_for_errors(found)
    wanted = launched_processes(_parent_command())
    if wanted > 1 and processes.count() == 1:
        notify(finding("training.one_process", where="accelerate launch", count=wanted))


def launched_processes(command: Sequence[str]) -> int:
    """Return the number of processes that an ``accelerate launch`` was asked for; 0 for others."""
    names = [Path(part).name for part in command]
    if "launch" not in command or not any(name.startswith("accelerate") for name in names):
        return 0
    for place, part in enumerate(command):
        name, _, value = part.partition("=")
        if name in _COUNTS:
            value = value or next(iter(command[place + 1 :]), "")
            return int(value) if value.isdigit() else 0
    return 0


def uses_all_weights(model: PreTrainedModel) -> bool:
    """Return True for a plain language model: every trained weight gets a gradient in every step.

    Then DistributedDataParallel need not look for those that did not. A model with pictures beside
    its text, with experts, or with a head of its own may leave some out.
    """
    config: Any = model.config
    if type(model).__name__.startswith("Peft"):
        name = type(model.base_model.model).__name__  # type: ignore[union-attr]
    else:
        name = type(model).__name__
    text = config.get_text_config()
    sparse = any(getattr(text, field, None) for field in _SPARSE)
    return name.endswith("ForCausalLM") and text is config and not sparse


def _parent_command() -> list[str]:
    """Return the command line of whoever started this process; nothing where it cannot be seen."""
    import psutil

    try:
        parent = psutil.Process().parent()
        return list(parent.cmdline()) if parent is not None else []
    except psutil.Error:
        return []
