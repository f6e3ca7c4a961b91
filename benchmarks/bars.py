"""The bar: what was got, what is aimed at, and whether it is met; computed, never written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.tables import Result, fastest, paired, same_loss, spread
from benchmarks.variants.registry import FASTEST_TRL, UNSLOTH


def bars(
    results: Sequence[Result], lines: Sequence[Mapping[str, Any]], tune: str
) -> list[dict[str, Any]]:
    """Return one line a bar, for those whose variants were measured."""
    found = [_bar("speed, × TRL default", results, "trl", 7.0 if tune == "lora" else 3.0)]
    if tune == "lora":
        best = fastest(lines, FASTEST_TRL)
        if best and best != "trl":
            found.append(_bar(f"speed, × fastest TRL ({best})", results, best, 2.5))
        other = fastest(lines, UNSLOTH)
        if other:
            found.append(_bar(f"speed, × fastest Unsloth ({other})", results, other, 2.0))
    found.append(_bar("memory, × TRL default", results, "trl", 0.4, "memory_mib", at_most=True))
    found.append(
        _bar("start to first step, × TRL", results, "trl", 0.5, "first_step_seconds", at_most=True)
    )
    loss = same_loss(results)
    if loss["same"] is not None:
        found.append(
            {
                "bar": "held-out loss − TRL's, within seed noise",
                "got": loss["mean_difference"],
                "aim": loss["noise"],
                "met": loss["same"],
                "n": len(loss["seeds"]),
            }
        )
    return [bar for bar in found if bar["n"]]


def _bar(
    name: str,
    results: Sequence[Result],
    against: str,
    aim: float,
    field: str = "tokens_per_second",
    at_most: bool = False,
) -> dict[str, Any]:
    got = spread(paired(results, "ours", against, field))
    met = got["median"] <= aim if at_most else got["median"] >= aim
    return {
        "bar": name,
        "got": got["median"],
        "low": got["low"],
        "high": got["high"],
        "aim": aim,
        "met": met,
        "n": got["n"],
    }


def markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the bars as a table."""
    rows = ["| bar | got | aim | met | pairs |", "| --- | --- | --- | --- | --- |"]
    for bar in found:
        got = f"{bar['got']:.4g}"
        if "low" in bar:
            got += f" ({bar['low']:.3g}–{bar['high']:.3g})"
        met = "yes" if bar["met"] else "no"
        rows.append(f"| {bar['bar']} | {got} | {bar['aim']:.4g} | {met} | {bar['n']} |")
    return "\n".join(rows)
