"""What `prepare.py` and `start.py` share: interleaved rounds of child processes, and medians."""

from __future__ import annotations

import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import machine

ROOT = Path(__file__).resolve().parents[1]


def material(cache: Path, rows: int, model: bool) -> Path:
    """Make rows, tokenizer and, if asked, a model, once; return their folder."""
    folder = cache / f"texts-{rows}"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        code = (
            "import sys, pathlib; from benchmarks import texts; f = pathlib.Path(sys.argv[1]); "
            "sample = texts.write_rows(f / 'sample.jsonl', 4000, seed=1); "
            "texts.write_rows(f / 'rows.jsonl', int(sys.argv[2])); "
            "texts.write_tokenizer(f / 'model', sample); "
            "texts.write_model(f / 'model')"
        )
        subprocess.run(
            [sys.executable, "-c", code, str(folder), str(rows)],
            check=True, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL,
        )  # fmt: skip
        (folder / "done").touch()
    assert not model or (folder / "model" / "config.json").exists()
    return folder


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a child: offline, no warnings, and nobody's settings but ours."""
    dropped = ("HF_", "TRANSFORMERS_", "FT_", "TOKENIZERS_", "OMP_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "PYTHONWARNINGS": "ignore",
        **more,
    }


def child(command: list[str], env: dict[str, str], timeout: float = 900) -> dict[str, Any]:
    """Run a child that writes its result to the file named last; return the result."""
    with tempfile.TemporaryDirectory(prefix="ft-bench-") as scratch:
        out = Path(scratch, "result.json")
        done = subprocess.run(
            [*command, str(out)],
            cwd=ROOT, env=env, timeout=timeout, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if not out.exists():
            raise RuntimeError((done.stdout + done.stderr)[-2_000:])
        return dict(json.loads(out.read_text()))


def interleaved(
    sides: Mapping[str, Callable[[], dict[str, float]]],
    rounds: int,
    tell: Callable[[str], None] = print,
) -> dict[str, list[dict[str, float]]]:
    """Run every side once a round, in turn; odd rounds go backwards."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for number in range(rounds):
        order = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in order:
            found = sides[name]()
            results[name].append(found)
            shown = ", ".join(f"{key} {value:.4g}" for key, value in found.items())
            tell(f"round {number + 1}, {name}: {shown}")
    return results


def medians(results: Mapping[str, list[dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Return the median of each figure of each side."""
    return {
        name: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for name, runs in results.items()
    }


def ratio(
    results: Mapping[str, list[dict[str, float]]], key: str, one: str, other: str
) -> list[float]:
    """Return median, least and greatest of the ratio of a figure, round by round."""
    pairs = zip(results[one], results[other], strict=True)
    found = sorted(a[key] / b[key] for a, b in pairs)
    return [statistics.median(found), found[0], found[-1]]


def report(path: Path | None, name: str, **more: Any) -> None:
    """Write everything that was measured, with machine, date and command."""
    if path is None:
        return
    document = {
        "benchmark": name,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "machine": machine.describe(),
        **more,
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def table(header: list[str], lines: list[list[str]]) -> str:
    """Return a table in Markdown."""
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)
