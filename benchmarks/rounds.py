"""Interleaved rounds: every variant once, each in a process of its own, then again."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers import python_of
from benchmarks.variants.registry import Variant

FEW_ROUNDS = 2
"""Rounds of the variants that need not be measured as often."""
ROOT = Path(__file__).resolve().parents[1]


def run_rounds(
    variants: Sequence[Variant],
    rounds: int,
    few: Sequence[str],
    settings: dict[str, Any],
    seeds: int,
    tell: Callable[[str], None],
    keep: Callable[[list[dict[str, Any]]], None],
) -> list[dict[str, Any]]:
    """Run all rounds; `keep` gets all results so far after each, so that a stop loses nothing."""
    results: list[dict[str, Any]] = []
    broken: dict[str, int] = {}
    for number in range(rounds):
        seed = settings["seed"] + number % seeds
        # Odd rounds go backwards: whatever drifts with time hits all alike.
        order = variants if number % 2 == 0 else list(reversed(variants))
        for variant in order:
            sits_out = number >= FEW_ROUNDS and variant.name in few
            if sits_out or broken.get(variant.name, 0) >= 2:
                continue
            result = run_once(variant, {**settings, "seed": seed})
            results.append({"variant": variant.name, "round": number, "seed": seed, **result})
            broken[variant.name] = broken.get(variant.name, 0) + ("error" in result)
            tell(_line(number, variant, result))
            keep(results)
    return results


def run_once(variant: Variant, settings: dict[str, Any]) -> dict[str, Any]:
    """Train once in a child process; an error becomes the result, with the child's last words."""
    python = python_of(variant.peer, Path(settings["cache"]))
    if python is None:
        return {"error": f"no environment for {variant.peer}: run with --setup"}
    with tempfile.TemporaryDirectory(prefix="ft-bench-") as scratch:
        spec = {
            **{name: value for name, value in settings.items() if name != "cache"},
            "module": variant.module,
            "options": variant.for_device(settings["cuda"]),
            "scratch": scratch,
        }
        out, log = Path(scratch, "result.json"), Path(scratch, "log.txt")
        spec["started"] = time.time()
        Path(scratch, "spec.json").write_text(json.dumps(spec))
        command = [str(python), "-m", "benchmarks.child", str(Path(scratch, "spec.json")), str(out)]
        with log.open("w") as stream:
            try:
                subprocess.run(
                    command,
                    stdout=stream,
                    stderr=stream,
                    cwd=ROOT,
                    env=_environment(settings, scratch),
                    timeout=settings["timeout"],
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return {"error": f"not done after {settings['timeout']:.0f} s"}
        if not out.exists():
            return {"error": "died: " + " ".join(log.read_text(errors="replace").split()[-30:])}
        return dict(json.loads(out.read_text()))


def _environment(settings: dict[str, Any], scratch: str) -> dict[str, str]:
    threads = str(settings["threads"])
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "TRANSFORMERS_"))}
    return {
        **keep,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        # On a shared machine a thread that spins at a barrier takes the core from the other.
        "OMP_WAIT_POLICY": "PASSIVE",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        # Nothing that one run prepared may serve another.
        "HF_HOME": str(Path(scratch, "hf")),
        "XDG_CACHE_HOME": str(Path(scratch, "cache")),
        "PYTHONWARNINGS": "ignore",
    }


def _line(number: int, variant: Variant, result: dict[str, Any]) -> str:
    if "error" in result:
        return f"round {number + 1}  {variant.name:32} {result['error']}"
    return (
        f"round {number + 1}  {variant.name:32} {result['tokens_per_second']:8.0f} tokens/s"
        f"  {result['memory_mib']:6.0f} MiB  loss {result['held_out_loss']:.4f}"
        f"  first step {result['first_step_seconds']:.1f} s"
    )
