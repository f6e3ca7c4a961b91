"""Preparation beside TRL's: ``python benchmarks/prepare.py --trl-python PATH``.

From rows in a file to token ids ready for the trainer, cold (nothing kept from before) and warm
(the same again in a new process). Interleaved rounds, a process each; prints a table, and writes
everything that was measured with ``--json``. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

from benchmarks import sides  # noqa: E402
from benchmarks.peers import python_of  # noqa: E402

LENGTH = 1_024


def options() -> argparse.Namespace:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=65_950)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trl-python", type=Path, help="interpreter with TRL; else --cache's")
    parser.add_argument("--cache", type=Path, default=Path(home, "jupyter-ft-benchmarks"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", nargs=3, metavar=("SIDE", "FOLDER", "OUT"))
    return parser.parse_args()


def main() -> int:
    asked = options()
    if asked.child:
        side, folder, out = asked.child
        Path(out).write_text(json.dumps({"ours": ours, "trl": trl}[side](Path(folder))))
        return 0
    folder = sides.material(asked.cache, asked.rows, model=True)
    trl_python = asked.trl_python or python_of("trl", asked.cache)
    if trl_python is None:
        print("No environment of TRL: name one with --trl-python, or run train.py --setup.")
        return 1
    with tempfile.TemporaryDirectory(prefix="ft-bench-") as kept:
        pythons = {"ours": sys.executable, "trl": str(trl_python)}

        def run(side: str, cold: bool) -> dict[str, float]:
            place = Path(kept, side)
            if cold:
                place = Path(tempfile.mkdtemp(dir=kept))
                Path(kept, side).unlink(missing_ok=True)
                Path(kept, side).symlink_to(place)
            env = sides.environment(
                FT_CACHE=str(place), HF_HOME=str(place), XDG_CACHE_HOME=str(place)
            )
            command = [pythons[side], "benchmarks/prepare.py", "--child", side, str(folder)]
            return sides.child(command, env)

        plan: dict[str, Any] = {
            f"{side} {state}": (lambda side=side, state=state: run(side, state == "cold"))
            for side in ("ours", "trl")
            for state in ("cold", "warm")
        }
        for side in ("ours", "trl"):
            run(side, cold=True)  # odd rounds begin with a warm run
        results = sides.interleaved(plan, asked.rounds)
    middle = sides.medians(results)
    ratios = {
        "cold": sides.ratio(results, "rows_per_second", "ours cold", "trl cold"),
        "warm, to TRL cold": sides.ratio(results, "rows_per_second", "ours warm", "trl cold"),
        "warm, to TRL warm": sides.ratio(results, "rows_per_second", "ours warm", "trl warm"),
        "from the file, cold": sides.ratio(results, "from_file", "trl cold", "ours cold"),
    }
    lines = [
        [
            name,
            f"{found['rows_per_second']:,.0f}",
            f"{found['from_file']:.1f}",
            f"{found['cpu']:.1f}",
            f"{found['memory']:.0f}",
        ]
        for name, found in middle.items()
    ]
    header = ["", "rows/s", "from the file, s", "CPU, s", "growth of memory, MB"]
    print("\n" + sides.table(header, lines))
    for name, (median, least, most) in ratios.items():
        print(f"ours / TRL, {name}: {median:.1f} × ({least:.1f}–{most:.1f})")
    sides.report(
        asked.json, "prepare", rows=asked.rows, medians=middle, ratios=ratios, runs=results
    )
    return 0


class Clock:
    """Times the file, the preparation, and what memory the latter adds at its peak."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def loaded(self) -> None:
        self._memory = _status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        self._begin, self._cpu = time.perf_counter(), time.process_time()

    def done(self, rows: int) -> dict[str, float]:
        end = time.perf_counter()
        return {
            "rows_per_second": rows / (end - self._begin),
            "from_file": end - self.start,
            "cpu": time.process_time() - self._cpu,
            "memory": (_status("VmHWM") - self._memory) / 1e6,
        }


def ours(folder: Path) -> dict[str, float]:
    import datasets  # noqa: F401

    import ft_runtime as ft

    config = ft.load_config(
        {
            "provider": "hf_local",
            "model_id": str(folder / "model"),
            "tune_type": "lora",
            "dataset": {
                "path": str(folder / "rows.jsonl"),
                "format": "jsonl_chat",
                "split": {"train": 0.98, "val": 0.01, "test": 0.01},
            },
            "hyperparams": {"max_seq_len": LENGTH},
        }
    )
    tokenizer = ft.load_tokenizer(config)
    clock = Clock()
    rows = ft.load_rows(config)
    splits = ft.split_rows(rows, config)
    clock.loaded()
    data = ft.prepare_data(config, rows, splits, tokenizer)
    found = clock.done(len(rows))
    assert sum(data.ledger.counts().values()) == len(rows)
    return found


def trl(folder: Path) -> dict[str, float]:
    import datasets
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    datasets.disable_progress_bars()
    model = AutoModelForCausalLM.from_pretrained(folder / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    clock = Clock()
    rows = datasets.load_dataset("json", data_files=str(folder / "rows.jsonl"), split="train")
    found: dict[str, float] = {}

    class Timed(SFTTrainer):  # type: ignore[misc]
        def _prepare_dataset(self, *args: Any, **keywords: Any) -> Any:
            clock.loaded()
            prepared = super()._prepare_dataset(*args, **keywords)
            found.update(clock.done(len(rows)))
            return prepared

    with tempfile.TemporaryDirectory() as scratch:
        settings = SFTConfig(output_dir=scratch, max_length=LENGTH, report_to=[], use_cpu=True)
        Timed(model=model, args=settings, train_dataset=rows, processing_class=tokenizer)
    return found


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


if __name__ == "__main__":
    sys.exit(main())
