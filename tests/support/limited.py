"""Train in a process that may have little memory: ``limited.py FOLDER MEGABYTES OVERRIDE...``.

The model is the toy, with a layer that really takes a megabyte for each token; the limit is the
system's, and its allocator is the one that refuses.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

import psutil
import torch

from ft_runtime.findings import FindingsError
from ft_runtime.training import train
from support.toy_training import build, toy_config, toy_data, weights_digest

NUMBERS = 1 << 18
"""Floats of a megabyte."""


def heavy(model: Any) -> None:
    """Let every token take a megabyte until the backward pass, without a change to what comes out."""
    embed = model.get_input_embeddings()

    def hook(module: Any, inputs: Any, out: Any) -> Any:
        large = torch.ones(out.shape[0] * out.shape[1], NUMBERS)
        one = torch.ones((), requires_grad=True)
        return out + 0.0 * (large * one).mean()

    embed.register_forward_hook(hook)


def main(folder: Path, megabytes: int, overrides: list[str]) -> int:
    torch.set_num_threads(1)
    config = toy_config(folder, "hyperparams.batch_size_train=5", *overrides)
    trainer, run = build(config, toy_data(longest=40, val=0), dropout=0.0)
    heavy(trainer.model)
    # What a first step loads and starts, threads of the backward pass among it.
    torch.ones(4, requires_grad=True).sum().backward()
    limit = psutil.Process().memory_info().vms + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    found: dict[str, Any] = {}
    try:
        result = train(trainer, run)
        found = {"steps": result.steps, "resumed_from": result.resumed_from}
    except FindingsError as error:
        found = {"findings": [item.to_dict() for item in error.findings]}
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    found |= {"budget": trainer.budget, "fit": run.manifest.get("fit")}
    print(json.dumps({**found, "digest": weights_digest(trainer.model)}))
    run.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
