"""From nothing to the first optimizer step, beside TRL: ``python benchmarks/start.py``.

*Process*: from the start of ``python -m ft_runtime run CONFIG`` (for TRL: of a script that does the
same) to the end of the first optimizer step of a run over 50 rows. *Warm*: the same from the cell
that begins it, in a kernel that has done it once. Interleaved rounds; prints a table, and writes
everything that was measured with ``--json``. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

from benchmarks import sides  # noqa: E402
from benchmarks.peers import python_of  # noqa: E402

ROWS, BATCH, LENGTH, RATE = 50, 2, 512, 2e-4
_PATIENCE = 600.0


def options() -> argparse.Namespace:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--trl-python", type=Path, help="interpreter with TRL; else --cache's")
    parser.add_argument("--cache", type=Path, default=Path(home, "jupyter-ft-benchmarks"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", nargs=4, metavar=("SIDE", "FOLDER", "SCRATCH", "OUT"))
    return parser.parse_args()


def main() -> int:
    asked = options()
    if asked.child:
        side, folder, scratch, out = asked.child
        play = {"trl": trl, "ours warm": ours_warm, "trl warm": trl_warm}[side]
        play(Path(folder), Path(scratch), Path(out))
        return 0
    folder = sides.material(asked.cache, ROWS, model=True)
    trl_python = asked.trl_python or python_of("trl", asked.cache)
    if trl_python is None:
        print("No environment of TRL: name one with --trl-python, or run train.py --setup.")
        return 1
    threads = str(asked.threads)

    def run(side: str) -> dict[str, float]:
        with tempfile.TemporaryDirectory(prefix="ft-bench-") as scratch:
            env = sides.environment(
                OMP_NUM_THREADS=threads, OMP_WAIT_POLICY="PASSIVE", HF_HOME=scratch,
                XDG_CACHE_HOME=scratch,
            )  # fmt: skip
            if side == "ours":
                return ours(folder, Path(scratch), env)
            python = str(trl_python) if side.startswith("trl") else sys.executable
            command = [python, "benchmarks/start.py", "--child", side, str(folder), scratch]
            begin = time.time()
            found = sides.child(command, env)
            if "at" in found:
                found["seconds"] = found.pop("at") - begin
            return found

    names = ("ours", "trl", "ours warm", "trl warm")
    for name in names[:2]:
        run(name)  # what is on the disk comes into memory
    results = sides.interleaved(
        {name: (lambda name=name: run(name)) for name in names}, asked.rounds
    )
    middle = sides.medians(results)
    ratios = {
        "process start to first step": sides.ratio(results, "seconds", "ours", "trl"),
        "CPU time of that": sides.ratio(results, "cpu", "ours", "trl"),
        "warm, cell to first step": sides.ratio(results, "seconds", "ours warm", "trl warm"),
    }
    lines = [[n, f"{found['seconds']:.2f}", f"{found['cpu']:.2f}"] for n, found in middle.items()]
    print("\n" + sides.table(["", "to the first step, s", "CPU, s"], lines))
    for name, (median, least, most) in ratios.items():
        print(f"ours / TRL, {name}: {median:.2f} × ({least:.2f}–{most:.2f})")
    sides.report(asked.json, "start", rows=ROWS, medians=middle, ratios=ratios, runs=results)
    return 0


def document(folder: Path, scratch: Path) -> dict[str, Any]:
    return {
        "provider": "hf_local",
        "model_id": str(folder / "model"),
        "tune_type": "lora",
        "lora": {"r": 8, "alpha": 16, "target_modules": ["q_proj", "v_proj"]},
        "dataset": {"path": str(folder / "rows.jsonl"), "format": "jsonl_chat"},
        "hyperparams": {
            "max_seq_len": LENGTH,
            "batch_size_train": BATCH,
            "gradient_accumulation": 1,
            "learning_rate": RATE,
        },
        "logs": "none",
        "artifacts": {"output_dir": str(scratch / "run")},
    }


def ours(folder: Path, scratch: Path, env: dict[str, str]) -> dict[str, float]:
    """Watch the command line from outside: ``metrics.jsonl`` has a line after the first step."""
    config = scratch / "config.json"
    config.write_text(json.dumps(document(folder, scratch)))
    metrics = scratch / "run" / "metrics.jsonl"
    begin = time.time()
    with (scratch / "log.txt").open("w") as log:
        command = [sys.executable, "-m", "ft_runtime", "run", str(config)]
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
        while not (metrics.exists() and metrics.stat().st_size):
            if process.poll() is not None or time.time() - begin > _PATIENCE:
                process.kill()
                raise RuntimeError((scratch / "log.txt").read_text()[-2_000:])
            time.sleep(0.005)
        seconds = time.time() - begin
        ticks = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        process.kill()
        process.wait()
    return {
        "seconds": seconds,
        "cpu": (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK"),
    }


class FirstStepError(Exception):
    """Ends a training behind its first step."""


def stop_at_first(trainer: Any) -> None:
    """Train until the first optimizer step is done."""
    from transformers import TrainerCallback

    class Stop(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            raise FirstStepError

    trainer.add_callback(Stop())
    try:
        trainer.train()
    except FirstStepError:
        return
    raise RuntimeError("no step was made")


def trl_once(folder: Path, scratch: Path) -> None:
    from datasets import load_dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset("json", data_files=str(folder / "rows.jsonl"), split="train")
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    model = AutoModelForCausalLM.from_pretrained(folder / "model")
    settings = SFTConfig(
        output_dir=str(scratch / "run"), max_length=LENGTH, use_cpu=True, report_to=[],
        per_device_train_batch_size=BATCH, learning_rate=RATE, disable_tqdm=True,
    )  # fmt: skip
    adapter = LoraConfig(
        r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
    )
    stop_at_first(
        SFTTrainer(
            model=model,
            args=settings,
            train_dataset=rows,
            processing_class=tokenizer,
            peft_config=adapter,
        )
    )


def ours_once(folder: Path, scratch: Path) -> None:
    import ft_runtime as ft

    config = ft.load_config(document(folder, scratch))
    ft.seed_everything(config.seed)
    device = ft.detect_device(config)
    run = ft.start_run(config, device, fresh=True)
    try:
        rows = ft.load_rows(config)
        splits = ft.split_rows(rows, config)
        tokenizer = ft.load_tokenizer(config)
        data = ft.prepare_data(config, rows, splits, tokenizer, run)
        model = ft.load_model(config, device, tokenizer, data.label_names, run)
        settings = ft.training_arguments(config, device, run, progress=False)
        stop_at_first(ft.build_trainer(config, model, settings, tokenizer, data, run))
    finally:
        run.close()


def trl(folder: Path, scratch: Path, out: Path) -> None:
    trl_once(folder, scratch)
    out.write_text(json.dumps({"at": time.time(), "cpu": time.process_time()}))


def trl_warm(folder: Path, scratch: Path, out: Path) -> None:
    _second(trl_once, folder, scratch, out)


def ours_warm(folder: Path, scratch: Path, out: Path) -> None:
    _second(ours_once, folder, scratch, out)


def _second(play: Any, folder: Path, scratch: Path, out: Path) -> None:
    play(folder, scratch / "first")
    begin, cpu = time.perf_counter(), time.process_time()
    play(folder, scratch / "second")
    out.write_text(
        json.dumps({"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu})
    )


if __name__ == "__main__":
    sys.exit(main())
