"""How fast the data doctor is, beside the tools that people use: ratios in one interleaved run.

    python benchmarks/validate.py --size 1GB --csv-size 300MB --rounds 5 --json validate.json
    python benchmarks/page.py validate.json

Each tool runs in a process of its own, in turn, round after round; every figure is divided by that
of the reference in the same round (`cookbook_stream` for JSON Lines, `csv_dictreader` for CSV), and
the median over the rounds is printed: on a busy machine ratios hold where seconds do not.
Peers that die of a corrupt line get a clean copy of the file. CPU time counts all processes; memory
is the peak of the process itself, and of its largest child. Where numba is installed, the kernels
of the doctor are compiled before anything is measured; ``--tier numpy`` measures it without them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

from benchmarks import make_data  # noqa: E402
from benchmarks import validators as peers  # noqa: E402

FULL = ("secrets", "text", "duplicates", "sha256")
OURS: dict[str, tuple[tuple[str, ...], int]] = {
    "doctor_full_1": (FULL, 1),
    "doctor_full_4": (FULL, 4),
    "doctor_lean_1": (("text", "duplicates"), 1),
    "doctor_lean_4": (("text", "duplicates"), 4),
}
# Ratios that the doctor must reach: (tool, file kind, measure, peer, at least).
TARGETS = (
    ("doctor_full_1", "jsonl", "cpu", "cookbook_published", 2.0),
    ("doctor_full_4", "jsonl", "wall", "cookbook_published", 4.0),
    ("doctor_full_1", "jsonl", "cpu", "cookbook_stream", 1.0),
    ("doctor_lean_1", "jsonl", "cpu", "cookbook_stream", 1.7),
    ("doctor_lean_4", "jsonl", "wall", "cookbook_stream", 3.5),
    ("doctor_lean_1", "broken", "cpu", "cookbook_stream", 0.5),
    ("doctor_full_1", "broken", "cpu", "cookbook_stream", 0.5),
    ("doctor_full_1", "csv", "cpu", "csv_dictreader", 1.5),
)


def run_here(tool: str, path: Path) -> dict[str, Any]:
    """Run one tool in this process and measure it."""
    begun, cpu = time.perf_counter(), _cpu()
    tier = ""
    if tool in OURS:
        from ft_runtime.doctor import kernels, scan

        tier = "compiled" if kernels.wanted(path.stat().st_size) else "numpy"
        checks, workers = OURS[tool]
        rows = scan(path, checks=checks, workers=workers).rows
    elif tool == "detect":
        from ft_runtime.doctor import detect

        rows = len(detect(path).preview)
    else:
        rows = peers.PEERS[tool](path)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "rows": rows,
        "wall": time.perf_counter() - begun,
        "cpu": _cpu() - cpu,
        "rss_mb": round(own * 1024 / 1e6, 1),
        "child_mb": round(child * 1024 / 1e6, 1),
        "tier": tier,
    }


def _cpu() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def run_apart(tool: str, path: Path, timeout: float) -> dict[str, Any] | None:
    """Run one tool in a fresh process; None when it fails."""
    command = [sys.executable, __file__, "--one", tool, str(path)]
    # No tool here multiplies matrices, and threads that wait for some would be counted.
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, check=True, env=env
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"  {tool}: {str(getattr(error, 'stderr', '') or error)[-200:]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def measure(
    name: str,
    path: Path,
    clean: Path,
    tools: list[str],
    rounds: int,
    timeout: float,
    few: Collection[str] = (),
) -> dict[str, Any]:
    """Return median ratios of each tool on one file; those of `few` are run once."""
    reference = "csv_dictreader" if path.suffix == ".csv" else "cookbook_stream"
    runs: dict[str, list[dict[str, Any]]] = {tool: [] for tool in tools}
    ratios: dict[str, dict[str, list[float]]] = {t: {"cpu": [], "wall": []} for t in tools}
    dead: set[str] = set()
    for turn in range(rounds):
        base = run_apart(reference, path, timeout)
        assert base is not None
        for tool in tools:
            if tool in dead or (turn and tool in few):
                continue
            if tool == reference:
                got: dict[str, Any] | None = base
            else:
                got = run_apart(tool, clean if tool in peers.NEEDS_CLEAN else path, timeout)
            if got is None:
                dead.add(tool)
                continue
            runs[tool].append(got)
            for kind in ("cpu", "wall"):
                ratios[tool][kind].append(base[kind] / max(got[kind], 1e-9))
    size = path.stat().st_size / 1e6
    table = {}
    for tool in tools:
        if not runs[tool]:
            continue
        middle = {k: statistics.median(r[k] for r in runs[tool]) for k in ("cpu", "wall")}
        table[tool] = {
            "cpu_ratio": round(statistics.median(ratios[tool]["cpu"]), 2),
            "wall_ratio": round(statistics.median(ratios[tool]["wall"]), 2),
            "cpu_mb_s": round(size / middle["cpu"], 1),
            "wall_mb_s": round(size / middle["wall"], 1),
            "rss_mb": max(r["rss_mb"] for r in runs[tool]),
            "child_mb": max(r["child_mb"] for r in runs[tool]),
            "rows": runs[tool][-1]["rows"],
            "rounds": len(runs[tool]),
            "tier": runs[tool][-1]["tier"],
        }
    return {"file": name, "mb": round(size, 1), "reference": reference, "tools": table}


def show(result: dict[str, Any]) -> None:
    print(f"\n{result['file']}, {result['mb']} MB; ratios to {result['reference']}")
    head = f"{'tool':22}{'× cpu':>8}{'× wall':>8}{'cpu MB/s':>10}{'wall MB/s':>10}{'RSS MB':>8}"
    print(head + f"{'child MB':>9}{'rows':>12}  tier")
    for tool, got in result["tools"].items():
        print(
            f"{tool:22}{got['cpu_ratio']:8.2f}{got['wall_ratio']:8.2f}{got['cpu_mb_s']:10.1f}"
            f"{got['wall_mb_s']:10.1f}{got['rss_mb']:8.1f}{got['child_mb']:9.1f}{got['rows']:12,}"
            f"  {got['tier']}"
        )


def verdicts(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each target with what was reached."""
    found = []
    for tool, kind, measured, peer, least in TARGETS:
        for result in results:
            name, tools = result["file"], result["tools"]
            if kind == ("csv" if name == "csv" else "broken" if "broken" in name else "jsonl"):
                if tool not in tools or peer not in tools:
                    continue
                key = f"{measured}_ratio"
                got = tools[tool][key] / tools[peer][key]
                found.append(
                    {"file": name, "tool": tool, "peer": peer, "measure": measured,
                     "target": least, "got": round(got, 2), "met": got >= least}
                )  # fmt: skip
    return found


def prepare(tier: str) -> None:
    """Compile the kernels, or switch them off, for all the processes that follow."""
    if tier == "numpy":
        os.environ["FT_KERNELS"] = "off"
    else:  # in a process of its own: its memory is none of the tools'
        subprocess.run([sys.executable, "-m", "ft_runtime", "compile"], check=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", nargs=2, metavar=("TOOL", "PATH"), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, default=Path("benchmark-data"))
    parser.add_argument("--size", type=make_data.parse_size, default=10**8)
    parser.add_argument("--csv-size", type=make_data.parse_size)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", default=[*make_data.KINDS, "broken"])
    parser.add_argument("--tools", nargs="+", help="default: the doctor and every peer")
    parser.add_argument("--few", nargs="+", default=[], help="tools that are run once: slow ones")
    parser.add_argument("--tier", choices=["best", "numpy"], default="best")
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run_here(options.one[0], Path(options.one[1]))))
        return
    prepare(options.tier)
    results = []
    for kind in options.kinds:
        suffix = "csv" if kind == "csv" else "jsonl"
        size = (options.csv_size or options.size) if kind == "csv" else options.size
        folder = options.data / str(size)
        if kind == "broken":
            path = make_data.write("chat", folder / "broken.jsonl", size, 1.0)
            clean = path
        else:
            path = make_data.write(kind, folder / f"{kind}.{suffix}", size, 0.001)
            clean = make_data.write(kind, folder / f"{kind}-clean.{suffix}", size, 0.0)
        tools = options.tools or [*OURS, *peers.peers_for(path)]
        if kind == "broken":
            tools = [t for t in tools if t in OURS or t == "cookbook_stream"]
        tools = [t for t in tools if t in OURS or t in peers.peers_for(path)]
        results.append(
            measure(kind, path, clean, tools, options.rounds, options.timeout, options.few)
        )
        show(results[-1])
    marks = verdicts(results)
    print()
    for mark in marks:
        word = "met " if mark["met"] else "MISSED"
        print(
            f"{word:7}{mark['file']:8}{mark['tool']:15}{mark['measure']:5} {mark['got']:6.2f} × "
            f"{mark['peer']} (target {mark['target']})"
        )
    from benchmarks import sides

    sides.report(options.json, "validate", results=results, targets=marks)


if __name__ == "__main__":
    main()
