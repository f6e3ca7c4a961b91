"""Run the command line, and have it stopped at an exact moment: ``stop_driver.py HOW STEP -- ARGS``.

HOW is ``kill`` (SIGKILL inside a step), ``term`` or ``int`` (the signal inside a step), ``write``
(SIGKILL while the checkpoint of that step is being written) or ``full`` (files may grow no larger
than STEP kilobytes).
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

import ft_runtime
from ft_runtime.cli import main

SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "int": signal.SIGINT}


def signal_at(number: int, step: int) -> None:
    """Send this process a signal between the forward passes of a step."""
    build = ft_runtime.build_trainer

    class Send(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step + 1 == step:
                os.kill(os.getpid(), number)

    def build_and_watch(*args: Any, **kwargs: Any) -> Any:
        trainer = build(*args, **kwargs)
        trainer.add_callback(Send())
        return trainer

    ft_runtime.build_trainer = build_and_watch


def kill_in_write(step: int) -> None:
    """Die with half an optimizer state on the disk."""
    save = torch.save

    def save_or_die(thing: Any, path: Any, *args: Any, **kwargs: Any) -> None:
        save(thing, path, *args, **kwargs)
        if f"checkpoint-{step}/optimizer" in str(path):
            os.truncate(path, Path(path).stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    torch.save = save_or_die


def drive(how: str, step: int, arguments: list[str]) -> int:
    torch.set_num_threads(1)
    if how == "write":
        kill_in_write(step)
    elif how == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (step * 1024, step * 1024))
    else:
        signal_at(SIGNALS[how], step)
    return main(arguments)


if __name__ == "__main__":
    sys.exit(drive(sys.argv[1], int(sys.argv[2]), sys.argv[4:]))
