"""What a child process measures: the same for every variant, whatever library trains."""

from __future__ import annotations

import importlib
import json
import math
import resource
import time
from pathlib import Path
from typing import Any

MIB = 1 << 20


def status_bytes(name: str) -> int:
    """Return a size of this process from ``/proc/self/status``, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


class Probe:
    """Times, tokens, losses and memory of one training.

    The clock of the loop starts at the end of the first optimizer step (it pays for what is set up
    lazily) and stops at the end of the last one. Memory is the peak up to there, less what the
    process held when its libraries were loaded and the model was not.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.base: int | None = None
        self.ends: list[float] = []
        self.cpu: list[float] = []
        self.tokens: list[int] = []
        self.losses: list[float] = []
        self.peak = 0
        self.trainer: Any = None

    def baseline(self) -> None:
        """Note the memory before the model is loaded; the libraries that all variants need are."""
        if self.base is not None:
            return
        for name in ("transformers.trainer", "transformers.models.llama.modeling_llama"):
            importlib.import_module(name)
        if self.spec["tune"] != "full":
            importlib.import_module("peft")
        if self.spec["tune"] == "qlora":
            importlib.import_module("bitsandbytes")
        import torch

        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
            self.base = torch.cuda.memory_allocated()
        else:
            self.base = status_bytes("VmRSS")

    def memory_peak(self) -> int:
        import torch

        if torch.cuda.is_available():
            return torch.cuda.max_memory_allocated()
        return status_bytes("VmHWM")

    def attach(self, trainer: Any) -> None:
        """Watch a Trainer that is about to train."""
        from transformers import TrainerCallback

        probe = self

        class Watch(TrainerCallback):
            def on_step_end(self, *_: Any, **__: Any) -> None:
                _synchronize()
                probe.ends.append(time.time())
                probe.cpu.append(cpu_seconds())
                probe.peak = probe.memory_peak()

        trainer.add_callback(Watch())
        given = trainer.get_batch_samples

        def counted(*args: Any, **kwargs: Any) -> Any:
            samples, items = given(*args, **kwargs)
            if samples:
                probe.tokens.append(sum(useful_tokens(batch) for batch in samples))
            return samples, items

        trainer.get_batch_samples = counted

    def attach_to_any(self) -> None:
        """Watch whichever Trainer is trained, and model loaded, in this process."""
        from transformers import PreTrainedModel, Trainer

        probe, train = self, Trainer.train
        load = PreTrainedModel.from_pretrained.__func__

        def watched(trainer: Any, *args: Any, **kwargs: Any) -> Any:
            probe.attach(trainer)
            result = train(trainer, *args, **kwargs)
            probe.trainer = trainer
            return result

        def loaded(cls: Any, *args: Any, **kwargs: Any) -> Any:
            probe.baseline()
            return load(cls, *args, **kwargs)

        Trainer.train = watched
        PreTrainedModel.from_pretrained = classmethod(loaded)

    def report(self, trainer: Any) -> dict[str, Any]:
        """Return everything as plain data; takes the held-out loss."""
        import torch
        import transformers

        self.losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
        model = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
        held_out = held_out_loss(model, Path(self.spec["workload"]))
        steps, seconds = len(self.ends), self.ends[-1] - self.ends[0]
        return {
            "steps": steps,
            "tokens": sum(self.tokens),
            "seconds": seconds,
            "tokens_per_second": sum(self.tokens[1:steps]) / seconds if steps > 1 else math.nan,
            "cpu_seconds": self.cpu[-1] - self.cpu[0],
            "memory_mib": (self.peak - (self.base or 0)) / MIB,
            "first_step_seconds": self.ends[0] - self.spec["started"],
            "step_losses": self.losses,
            "first_loss": self.losses[0],
            "final_loss": self.losses[-1],
            "held_out_loss": held_out,
            "device": device_name(),
            "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        }


def cpu_seconds() -> float:
    """Return the processor time of this process, over all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def useful_tokens(batch: Any) -> int:
    """Count the tokens of a batch that are not padding; ours says it of itself."""
    if hasattr(batch, "parts"):
        return int(batch.tokens)
    mask = batch.get("attention_mask")
    if mask is not None and getattr(mask, "ndim", 0) == 2:
        return int((mask != 0).sum())
    return int(batch["input_ids"].numel())


def held_out_loss(model: Any, workload: Path) -> float:
    """Return the mean loss of the supervised tokens of the held-out rows, one row at a time."""
    import torch

    model.eval()
    if not any("4bit" in type(module).__name__ for module in model.modules()):
        model.float()
    device = next(model.parameters()).device
    total, count = 0.0, 0
    with torch.no_grad():
        for line in (workload / "held_out_encoded.jsonl").read_text().splitlines():
            row = json.loads(line)
            ids = torch.tensor([row["input_ids"]], device=device)
            labels = torch.tensor([row["labels"]], device=device)
            supervised = int((labels[:, 1:] != -100).sum())
            total += float(model(input_ids=ids, labels=labels).loss) * supervised
            count += supervised
    return total / count


def device_name() -> str:
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU"


def _synchronize() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
