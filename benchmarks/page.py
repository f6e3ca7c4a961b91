"""``python benchmarks/page.py start.json validate.json``: their tables into docs/benchmarks.md."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

from benchmarks import sides  # noqa: E402

PAGE = ROOT / "docs" / "benchmarks.md"
# Title, and digits behind the point.
_COLUMNS = {
    "rows_per_second": ("rows/s", 0),
    "from_file": ("from the file, s", 1),
    "seconds": ("to the first step, s", 2),
    "cpu": ("CPU, s", 2),
    "memory": ("growth of memory, MB", 0),
}
# Options that name places of one machine.
_PLACES = re.compile(r" --(json|trl-python|cache|data) \S+")
# By the benchmark and the ratio: no more than, or no less than.
_AIMS = {
    ("start", "process start to first step"): "≤ 0.5",
    ("prepare", "cold"): "≥ 3",
    ("prepare", "warm, to TRL cold"): "≥ 20",
}


def section(made: dict[str, Any]) -> str:
    """Return one measurement as Markdown: when, where, how, the medians, and the ratios."""
    return (_of_files if made["benchmark"] == "validate" else _of_sides)(made)


def _when_and_where(made: dict[str, Any]) -> str:
    where = made["machine"]
    return (
        f"{made['date'][:10]}, {where['cores']} CPU cores ({where['cpu']}; "
        f"{', '.join(where['flags'])}), load {where['load']:.0f} at the end"
    )


def _command(made: dict[str, Any]) -> str:
    return f"`python benchmarks/{_PLACES.sub('', made['command'])}`"


def _of_sides(made: dict[str, Any]) -> str:
    name = made["benchmark"]
    rounds = len(next(iter(made["runs"].values())))
    kinds = [key for key in _COLUMNS if key in next(iter(made["medians"].values()))]
    medians = [
        [side, *(f"{found[key]:,.{_COLUMNS[key][1]}f}" for key in kinds)]
        for side, found in made["medians"].items()
    ]
    ratios = [
        [what, f"{median:.2f} × ({least:.2f}–{most:.2f})", _AIMS.get((name, what), "")]
        for what, (median, least, most) in made["ratios"].items()
    ]
    return (
        f"{_when_and_where(made)}; {made['rows']:,} rows, medians of {rounds} rounds.\n\n"
        f"{_command(made)}\n\n"
        + sides.table(["", *(_COLUMNS[key][0] for key in kinds)], medians)
        + "\n\n"
        + sides.table(["ours / TRL", "median (range)", "aim"], ratios)
    )


def _of_files(made: dict[str, Any]) -> str:
    """Return a table for each file, and what was aimed at."""
    most = max(tool["rounds"] for each in made["results"] for tool in each["tools"].values())
    parts = [f"{_when_and_where(made)}; medians of {most} rounds.", _command(made)]
    for each in made["results"]:
        lines = [
            [
                f"{name}{' (numpy)' if tool['tier'] == 'numpy' else ''}",
                f"{tool['rounds']}",
                f"{tool['cpu_ratio']:.2f} ×",
                f"{tool['wall_ratio']:.2f} ×",
                f"{tool['wall_mb_s']:,.0f}",
                f"{tool['rss_mb']:,.0f}",
                f"{tool['child_mb']:,.0f}" if tool["child_mb"] else "",
                f"{tool['rows']:,}",
            ]
            for name, tool in each["tools"].items()
        ]
        head = ["", "rounds", "CPU", "wall", "wall, MB/s", "memory, MB", "a worker's, MB", "rows"]
        parts.append(f"**{each['file']}**, {each['mb']:,.0f} MB; ratios to `{each['reference']}`:")
        parts.append(sides.table(head, lines))
    aims = [
        [
            mark["file"],
            f"{mark['tool']} ÷ {mark['peer']}, {mark['measure']}",
            f"{mark['got']:.2f} ×",
            f"≥ {mark['target']}",
            "yes" if mark["met"] else "no",
        ]
        for mark in made["targets"]
    ]
    parts.append(sides.table(["file", "bar", "got", "aim", "met"], aims))
    return "\n\n".join(parts)


def into_page(page: str, measurements: Sequence[dict[str, Any]]) -> str:
    """Return the page with the tables of these measurements replaced."""
    for made in measurements:
        begin, end = f"<!-- {made['benchmark']} -->", f"<!-- /{made['benchmark']} -->"
        found = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
        text = f"{begin}\n{section(made)}\n{end}"
        page = found.sub(lambda _, text=text: text, page)
    return page


def main(files: Sequence[str]) -> None:
    measured = [json.loads(Path(file).read_text(encoding="utf-8")) for file in files]
    page = into_page(PAGE.read_text(encoding="utf-8"), measured)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
