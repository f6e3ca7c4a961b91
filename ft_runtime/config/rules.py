"""Rules across fields that JSON Schema cannot say; the others stand in the schema as ``x-rule``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ft_runtime.config import schema
from ft_runtime.config.defaults import lookup
from ft_runtime.findings import Finding, finding

_SHARES = ("train", "val", "test")
_CANONICAL = {
    "jsonl_chat": ("messages",),
    "jsonl_instr": ("instruction", "input", "output"),
    "jsonl_prompt": ("prompt", "completion"),
    "csv_classification": ("text", "label"),
}
_FULL_LEARNING_RATE = 1e-4


def check_rules(given: Mapping[str, Any], filled: Mapping[str, Any]) -> list[Finding]:
    """Return what the rules find in the completed config; `given` is what the user wrote."""
    return [item for rule in _RULES for item in rule(given, filled)]


def _newer_version(_: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[Finding]:
    got = filled.get("schema_version")
    if isinstance(got, int) and got > schema.version():
        yield finding("config.newer_version", "schema_version", got=got, known=schema.version())


def _split(given: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[Finding]:
    if isinstance(lookup(filled, "dataset.path"), Mapping):
        if isinstance(lookup(given, "dataset.split"), Mapping):
            yield finding("config.split_with_files", "dataset.split")
        return
    shares = [lookup(filled, f"dataset.split.{share}") for share in _SHARES]
    if not all(isinstance(share, int | float) and 0 <= share <= 1 for share in shares):
        return
    train, val, test = shares
    total = train + val + test
    if abs(total - 1) > 1e-6:
        yield finding(
            "config.split_sum",
            "dataset.split",
            train=train,
            val=val,
            test=test,
            total=round(total, 6),
        )
    elif train == 0:
        yield finding("config.split_no_train", "dataset.split.train")
    elif val == 0 and test == 0:
        yield finding("config.split_no_held_out", "dataset.split")


def _hub_columns(_: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[Finding]:
    chosen = lookup(filled, "dataset.format")
    if (
        lookup(filled, "dataset.source") == "hf_dataset_id"
        and not lookup(filled, "dataset.columns")
        and isinstance(chosen, str)
        and chosen in _CANONICAL
    ):
        names = _CANONICAL[chosen]
        example = ", ".join(f"{name}: your_column" for name in names)
        yield finding(
            "config.columns_assumed", "dataset.columns", columns="/".join(names), example=example
        )


def _full_learning_rate(_: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[Finding]:
    rate = lookup(filled, "hyperparams.learning_rate")
    if filled.get("tune_type") == "full" and isinstance(rate, float) and rate > _FULL_LEARNING_RATE:
        yield finding("config.high_learning_rate", "hyperparams.learning_rate", got=rate)


def _eight_bit(given: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[Finding]:
    section = lookup(given, "qlora")
    if lookup(filled, "qlora.bits") == 8 and isinstance(section, Mapping):
        for name in section:
            if isinstance(name, str) and name.startswith("bnb_4bit"):
                yield finding("config.four_bit_field", f"qlora.{name}")


_RULES: tuple[Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[Finding]], ...] = (
    _newer_version,
    _split,
    _hub_columns,
    _full_learning_rate,
    _eight_bit,
)
