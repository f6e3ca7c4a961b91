"""Training, side by side with the peers: ``python benchmarks/train.py --setup``, then without.

Interleaved rounds, each training in a process of its own; prints the table and the bars, and
writes everything that was measured with ``--json``. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

from benchmarks import bars, machine, report, tables  # noqa: E402
from benchmarks.peers import HERE as PINS  # noqa: E402
from benchmarks.peers import PEERS, setup  # noqa: E402
from benchmarks.rounds import run_rounds  # noqa: E402
from benchmarks.variants.registry import Variant, chosen  # noqa: E402
from benchmarks.workload import Shape  # noqa: E402

LEARNING_RATE = {"lora": 2e-3, "qlora": 2e-3, "full": 2e-4}


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tune", choices=("lora", "full", "qlora"), default="lora")
    parser.add_argument("--variants", help="names, comma-separated; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--few", default="", help="names that sit out all but the first 2 rounds")
    parser.add_argument("--seeds", type=int, default=3, help="round r trains with seed r %% seeds")
    parser.add_argument("--steps", type=int, default=13)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--accumulation", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one training")
    parser.add_argument("--cache", type=Path, default=Path(home, "jupyter-ft-benchmarks"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--setup", action="store_true", help="create the peers' environments")
    parser.add_argument("--docs", type=Path, nargs="+", help="--json files, into the documentation")
    return parser.parse_args(arguments)


def main() -> int:
    asked = options()
    if asked.docs:
        page = ROOT / "docs" / "benchmarks.md"
        measured = [json.loads(file.read_text()) for file in asked.docs]
        page.write_text(report.into_page(page.read_text("utf-8"), measured), encoding="utf-8")
        return 0
    if asked.setup:
        return 1 if setup(asked.cache, PEERS) else 0
    shape = replace(Shape(), rows=asked.steps * asked.batch * asked.accumulation)
    here = machine.describe()
    settings: dict[str, Any] = {
        "workload": build_workload(shape, asked.cache),
        "tune": asked.tune,
        "seed": 0,
        "batch": asked.batch,
        "accumulation": asked.accumulation,
        "learning_rate": LEARNING_RATE[asked.tune],
        "lora_r": 16,
        "lora_alpha": 32,
        "threads": asked.threads,
        "timeout": asked.timeout,
        "cuda": bool(here["gpu"]),
        "cache": str(asked.cache),
    }
    variants = chosen(asked.variants.split(",") if asked.variants else None, asked.tune)
    made: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "machine": here,
        "command": command(sys.argv[1:]),
        "tune": asked.tune,
        "versions": versions(variants),
        "workload": asdict(shape),
        "settings": {k: v for k, v in settings.items() if k not in ("workload", "cache")},
        "variants": [variant.name for variant in variants],
    }

    def keep(results: list[dict[str, Any]]) -> None:
        made["results"] = results
        lines = tables.summary(results, made["variants"])
        made["summary"] = lines
        made["bars"] = bars.bars(results, lines, asked.tune)
        made["same_loss"] = tables.same_loss(results)
        if asked.json:
            asked.json.write_text(json.dumps(made, indent=1))

    few = asked.few.split(",")
    run_rounds(variants, asked.rounds, few, settings, asked.seeds, _tell, keep)
    print("\n" + report.text(made))
    return 0


def versions(variants: list[Variant]) -> dict[str, str]:
    """Return the versions of what is compared: from the lists of the peers, and what is here."""
    found = {name: version(name) for name in ("torch", "transformers", "peft")}
    for peer in dict.fromkeys(variant.peer for variant in variants if variant.peer):
        pins = Path(PINS, f"{peer}.txt").read_text(encoding="utf-8")
        found[peer] = next(
            line.split("==")[1] for line in pins.splitlines() if line.startswith(f"{peer}==")
        )
    return found


def command(arguments: list[str]) -> str:
    """Return what was typed, without where files lie here."""
    kept = []
    for before, here in zip(["", *arguments], arguments, strict=False):
        if not {before, here} & {"--cache", "--json"}:
            kept.append(here)
    return " ".join(["python", "benchmarks/train.py", *kept])


def build_workload(shape: Shape, cache: Path) -> str:
    """Make the workload in a process of its own: torch stays out of this one."""
    code = (
        "import json, sys; from pathlib import Path; from benchmarks.workload import Shape, build; "
        "print(build(Shape(**json.loads(sys.argv[1])), Path(sys.argv[2])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(asdict(shape)), str(cache.absolute())],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip().splitlines()[-1]


def _tell(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
