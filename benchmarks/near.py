"""Near duplicates and first rows: seconds of the data doctor for what a person waits for.

    python benchmarks/near.py [--rows 45000] [--rounds 3] [--json near.json]

Near duplicates: instruction rows of make_data, to which copies are added with 2, 5, 10 and 20 % of
their words replaced; `check --near` in a process of its own. Told are seconds for all of it, what
the search takes beyond the plain check, memory, and the share of the planted copies that was found.
First rows: format and the first 20 rows of a file of 1 GB (or `--size`), in a fresh process.
Aims: near duplicates of 45,000 rows in under 10 s of CPU time; first rows in under 0.2 s.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import make_data

EDITS = (0.02, 0.05, 0.10, 0.20)
COPIES = 1000
AIMS = {"near_cpu_s": 10.0, "first_rows_s": 0.2}


def planted(folder: Path, rows: int, seed: int = 11) -> tuple[Path, dict[float, list[int]]]:
    """Write rows and edited copies of some; return the lines of the copies by share of edits."""
    base = make_data.write("instr", folder / "instr.jsonl", rows * 1300, 0.0)
    rng = random.Random(seed)
    with open(base, encoding="utf-8") as stream:
        lines = [line for _, line in zip(range(rows - COPIES * len(EDITS)), stream, strict=False)]
    found: dict[float, list[int]] = {}
    long = [i for i, line in enumerate(lines) if len(json.loads(line)["output"].split()) >= 60]
    path = folder / f"near-{rows}.jsonl"
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(lines)
        number = len(lines)
        for share in EDITS:
            for at in rng.sample(long, COPIES):
                row = json.loads(lines[at])
                for name in ("instruction", "input", "output"):
                    words = row[name].split(" ")
                    for place in range(len(words)):
                        if rng.random() < share:
                            words[place] = f"w{rng.randrange(10**6)}"
                    row[name] = " ".join(words)
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
                number += 1
                found.setdefault(share, []).append(number)
    return path, found


def run_here(tool: str, path: Path) -> dict[str, Any]:
    """Run one tool in this process and measure it, imports included."""
    begun = time.perf_counter()
    result: dict[str, Any] = {}
    if tool == "first_rows":
        from ft_runtime.doctor import detect

        result["rows"] = len(detect(path).preview)
    else:
        from ft_runtime.doctor.alike import find_alike
        from ft_runtime.doctor.survey import survey

        with survey(path, "jsonl_instr", workers=1) as found:
            if tool == "near":
                result["near_rows"] = find_alike(found).rows
                result["near_lines"] = lines_near_another(found)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result["wall_s"] = time.perf_counter() - begun
    result["cpu_s"] = usage.ru_utime + usage.ru_stime
    result["rss_mb"] = round(peak_kib() * 1024 / 1e6, 1)
    return result


def peak_kib() -> int:
    """Return the peak of this process's memory; `getrusage` would tell of its parent's, too."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(status.read_text().split("VmHWM:")[1].split()[0])


def lines_near_another(found: Any) -> list[int]:
    """Return the lines of the rows that are near an earlier one."""
    import numpy as np

    rows = np.flatnonzero(found.near != np.arange(found.near.size))
    return found.members().line[rows].tolist()


def run_apart(tool: str, path: Path) -> dict[str, Any]:
    """Run one tool in a fresh process."""
    command = [sys.executable, __file__, "--one", tool, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", nargs=2, metavar=("TOOL", "PATH"), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, default=Path("benchmark-data"))
    parser.add_argument("--rows", type=int, default=45_000)
    parser.add_argument("--size", type=make_data.parse_size, default=10**9, help="of first rows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run_here(options.one[0], Path(options.one[1]))))
        return
    path, copies = planted(options.data, options.rows)
    large = make_data.write("chat", options.data / f"{options.size}.jsonl", options.size, 0.001)
    tools = {"check": path, "near": path, "first_rows": large}
    runs: dict[str, list[dict[str, Any]]] = {tool: [] for tool in tools}
    for _ in range(options.rounds):
        for tool, file in tools.items():
            runs[tool].append(run_apart(tool, file))
    keys = ("wall_s", "cpu_s", "rss_mb")
    middle = {
        tool: {key: statistics.median(run[key] for run in found) for key in keys}
        for tool, found in runs.items()
    }
    near = runs["near"][-1]
    lines = set(near["near_lines"])
    recall = {str(k): len(lines & set(v)) / len(v) for k, v in copies.items()}
    others = near["near_rows"] - len(lines & {line for each in copies.values() for line in each})
    for tool, got in middle.items():
        size = tools[tool].stat().st_size / 1e6
        print(
            f"{tool:11}{size:8.0f} MB {got['wall_s']:7.2f} s wall {got['cpu_s']:7.2f} s cpu "
            f"{got['rss_mb']:7.1f} MB"
        )
    print(f"{options.rows:,} rows, found of copies by share of edited words: {recall}")
    print(f"{others} further rows are near another")
    for name, got in (
        ("near_cpu_s", middle["near"]["cpu_s"]),
        ("first_rows_s", middle["first_rows"]["wall_s"]),
    ):
        print(
            f"{'met' if got < AIMS[name] else 'MISSED':7}{name} {got:.2f} (aim below {AIMS[name]})"
        )
    if options.json:
        document = {"rows": options.rows, "medians": middle, "recall": recall, "further": others}
        options.json.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
