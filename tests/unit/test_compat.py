"""Keywords of TrainingArguments, translated for older and newer classes."""

from __future__ import annotations

import math

import pytest

from ft_runtime.compat import translate_keywords

NOW = {"warmup_steps", "activation_checkpointing", "eval_strategy", "train_sampling_strategy"}
BEFORE = {"warmup_steps", "gradient_checkpointing", "eval_strategy", "train_sampling_strategy"}
LONG_AGO = {"warmup_ratio", "gradient_checkpointing", "evaluation_strategy", "overwrite_output_dir"}


@pytest.mark.parametrize(
    ("given", "known", "expected"),
    [
        ({"warmup_ratio": 0.03}, NOW, {"warmup_steps": 0.03}),
        ({"warmup_ratio": 0.0}, NOW, {}),
        ({"warmup_ratio": 0.03}, LONG_AGO, {"warmup_ratio": 0.03}),
        ({"gradient_checkpointing": True}, NOW, {"activation_checkpointing": True}),
        ({"gradient_checkpointing": False}, BEFORE, {"gradient_checkpointing": False}),
        ({"evaluation_strategy": "epoch"}, NOW, {"eval_strategy": "epoch"}),
        ({"evaluation_strategy": "epoch"}, LONG_AGO, {"evaluation_strategy": "epoch"}),
        ({"group_by_length": True}, NOW, {"train_sampling_strategy": "group_by_length"}),
        ({"group_by_length": False}, NOW, {"train_sampling_strategy": "random"}),
        ({"overwrite_output_dir": True}, NOW, {}),
        ({"overwrite_output_dir": True}, LONG_AGO, {"overwrite_output_dir": True}),
        ({"eval_strategy": "no", "no_such_name": 1}, NOW, {"eval_strategy": "no", "no_such_name": 1}),
    ],
)  # fmt: skip
def test_each_keyword_gets_the_name_that_is_known(
    given: dict[str, object], known: set[str], expected: dict[str, object]
) -> None:
    assert translate_keywords(given, known) == expected


def test_a_warmup_of_everything_stays_below_one() -> None:
    # As warmup_steps, 1.0 would be one step.
    ratio = translate_keywords({"warmup_ratio": 1.0}, NOW)["warmup_steps"]
    assert 0 < ratio < 1
    assert math.ceil(ratio * 10_000) == 10_000


def test_the_logging_folder_becomes_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", "before")
    assert translate_keywords({"logging_dir": "runs/a"}, NOW) == {}
    import os

    assert os.environ["TENSORBOARD_LOGGING_DIR"] == "runs/a"
    assert translate_keywords({"logging_dir": "b"}, {"logging_dir"}) == {"logging_dir": "b"}
