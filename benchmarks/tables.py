"""From results to the table and the verdicts: plain arithmetic, no library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean, median, stdev
from typing import Any

Result = Mapping[str, Any]


def good(results: Sequence[Result], variant: str) -> dict[int, Result]:
    """Return the results of a variant without those that failed, by round."""
    return {r["round"]: r for r in results if r["variant"] == variant and "error" not in r}


def paired(results: Sequence[Result], a: str, b: str, field: str) -> list[float]:
    """Return a / b of a field, one for each round that has both."""
    ours, theirs = good(results, a), good(results, b)
    return [ours[n][field] / theirs[n][field] for n in sorted(ours) if n in theirs]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, least, most and how many."""
    if not values:
        return {"median": math.nan, "low": math.nan, "high": math.nan, "n": 0}
    return {"median": median(values), "low": min(values), "high": max(values), "n": len(values)}


def summary(
    results: Sequence[Result], variants: Sequence[str], base: str = "trl"
) -> list[dict[str, Any]]:
    """Return one line a variant: medians over rounds, and the ratio to `base` in the same round."""
    lines = []
    for name in variants:
        mine = list(good(results, name).values())
        errors = [r["error"] for r in results if r["variant"] == name and "error" in r]
        line: dict[str, Any] = {
            "variant": name,
            "rounds": len(mine),
            "error": errors[-1] if errors else "",
        }
        if mine:
            line |= {
                field: spread([r[field] for r in mine])
                for field in (
                    "tokens_per_second", "seconds", "cpu_seconds", "memory_mib",
                    "first_step_seconds", "final_loss", "held_out_loss",
                )
            }  # fmt: skip
            line["speed_ratio"] = spread(paired(results, name, base, "tokens_per_second"))
            line["cpu_ratio"] = spread(paired(results, base, name, "cpu_seconds"))
            line["memory_ratio"] = spread(paired(results, name, base, "memory_mib"))
            line["start_ratio"] = spread(paired(results, name, base, "first_step_seconds"))
        lines.append(line)
    return lines


def fastest(lines: Sequence[Mapping[str, Any]], among: Sequence[str]) -> str | None:
    """Return the variant with the highest median speed."""
    there = [line for line in lines if line["variant"] in among and line["rounds"]]
    best = max(there, key=lambda line: line["tokens_per_second"]["median"], default=None)
    return best["variant"] if best else None


def same_loss(results: Sequence[Result], a: str = "ours", b: str = "trl") -> dict[str, Any]:
    """Compare the held-out loss after the same tokens, seed by seed, with the noise of the seeds.

    The same within noise: the mean difference over seeds is no larger than the standard deviation
    of `b` over seeds.
    """

    def by_seed(name: str) -> dict[int, float]:
        found: dict[int, float] = {}
        for result in good(results, name).values():
            found.setdefault(result["seed"], result["held_out_loss"])
        return found

    ours, theirs = by_seed(a), by_seed(b)
    seeds = sorted(set(ours) & set(theirs))
    differences = [ours[seed] - theirs[seed] for seed in seeds]
    if len(seeds) < 2:
        return {"seeds": seeds, "differences": differences, "noise": math.nan, "same": None}
    noise = stdev([theirs[seed] for seed in seeds])
    return {
        "seeds": seeds,
        "differences": differences,
        "mean_difference": mean(differences),
        "noise": noise,
        "same": abs(mean(differences)) <= noise,
    }


def markdown(lines: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> str:
    """Return the table."""
    head = (
        "| variant | rounds | × TRL default (range) | tokens/s | CPU time, TRL default ÷ this | "
        "memory | × memory | first step | held-out loss |"
    )
    rows = [head, "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for line in lines:
        title = titles[line["variant"]]
        if not line["rounds"]:
            rows.append(f"| {title} | not measured: {line['error'] or 'no round'} | | | | | | | |")
            continue
        ratio, cpu = line["speed_ratio"], line["cpu_ratio"]
        cells = (
            title,
            str(line["rounds"]),
            f"{ratio['median']:.2f} ({ratio['low']:.2f}–{ratio['high']:.2f})",
            f"{line['tokens_per_second']['median']:.0f}",
            f"{cpu['median']:.2f}",
            f"{line['memory_mib']['median']:.0f} MiB",
            f"{line['memory_ratio']['median']:.2f}",
            f"{line['first_step_seconds']['median']:.1f} s",
            f"{line['held_out_loss']['median']:.4f}",
        )
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)
