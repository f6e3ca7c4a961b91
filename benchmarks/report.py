"""A measurement as text: for the screen, and for docs/benchmarks.md."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks import bars, tables
from benchmarks.variants.registry import VARIANTS

TUNES = {"lora": "LoRA", "full": "Full fine-tuning", "qlora": "QLoRA (4-bit NF4)"}
OPEN, CLOSE = "<!-- train -->", "<!-- /train -->"


def text(made: dict[str, Any]) -> str:
    """Return the tables and the verdict on the loss as Markdown."""
    titles = {variant.name: variant.title for variant in VARIANTS}
    parts = [tables.markdown(made["summary"], titles), bars.markdown(made["bars"])]
    loss = made["same_loss"]
    if loss["same"] is not None:
        differences = ", ".join(f"{value:+.5f}" for value in loss["differences"])
        parts.append(
            f"Held-out loss, ours − TRL, by seed: {differences}; mean "
            f"{loss['mean_difference']:+.5f}; standard deviation of TRL's over seeds "
            f"{loss['noise']:.5f}: "
            + ("the same within noise." if loss["same"] else "**not** the same within noise.")
        )
    return "\n\n".join(parts)


def section(made: dict[str, Any], more: str = "") -> str:
    """Return one measurement as a section of the page: what, when, where, how, and the tables.

    `more` is said in the heading.
    """
    where, settings = made["machine"], made["settings"]
    machine = f"{where['cores']} CPU cores ({where['cpu']}; {', '.join(where['flags'])})"
    if where["gpu"]:
        machine = f"{where['gpu']}, {machine}"
    versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    return (
        f"### {TUNES[made['tune']]}{more}\n\n"
        f"{made['date']}, {machine}, shared with other programs (load "
        f"{where['load']:.0f} at the start), {settings['threads']} threads; {versions}. "
        f"Medians of the rounds.\n\n`{made['command']}`\n\n{text(made)}\n"
    )


def into_page(page: str, measurements: Sequence[dict[str, Any]]) -> str:
    """Return the page with its tables replaced by those of the measurements."""
    kinds = Counter(made["tune"] for made in measurements)
    body = "\n".join(
        section(made, f", {len(made['variants'])} variants" if kinds[made["tune"]] > 1 else "")
        for made in measurements
    )
    found = re.compile(f"{re.escape(OPEN)}.*{re.escape(CLOSE)}", re.DOTALL)
    return found.sub(lambda _: f"{OPEN}\n{body}{CLOSE}", page)
