"""The made-up rows: right shape, the same everywhere, never two alike."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ft_runtime.findings import FindingsError
from ft_runtime.samples import FORMATS, sample_rows, write_sample

KEYS = {
    "jsonl_chat": {"messages"},
    "jsonl_instr": {"instruction", "input", "output"},
    "jsonl_prompt": {"prompt", "completion"},
    "csv_classification": {"text", "label"},
}


def answer_of(row: dict[str, Any]) -> str:
    for key in ("output", "completion", "label"):
        if key in row:
            return str(row[key])
    return str(row["messages"][-1]["content"])


def test_every_format_has_a_sample() -> None:
    assert set(FORMATS) == set(KEYS)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("n", [1, 2, 50, 1500])
def test_count_columns_and_no_two_rows_alike(format: str, n: int) -> None:
    rows = sample_rows(format, n)
    assert len(rows) == n
    assert all(set(row) == KEYS[format] for row in rows)
    assert len({json.dumps(row) for row in rows}) == n
    assert all(answer_of(row).strip() for row in rows)


@given(format=st.sampled_from(FORMATS), n=st.integers(1, 60), seed=st.integers())
def test_same_arguments_same_rows(format: str, n: int, seed: int) -> None:
    assert sample_rows(format, n, seed) == sample_rows(format, n, seed)


@pytest.mark.parametrize("format", FORMATS)
def test_seed_changes_the_rows(format: str) -> None:
    assert sample_rows(format, 20, seed=0) != sample_rows(format, 20, seed=1)


def test_rows_do_not_depend_on_the_process(tmp_path: Path) -> None:
    """String hashing is salted per process; the rows must not feel it."""
    code = "from ft_runtime.samples import sample_rows; import json; print(json.dumps(sample_rows('jsonl_chat', 9)))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": salt},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        ).stdout
        for salt in ("1", "2")
    }
    assert len(outputs) == 1


def test_chat_has_system_turns_and_follow_ups() -> None:
    rows = [row["messages"] for row in sample_rows("jsonl_chat", 50)]
    assert {message["role"] for messages in rows for message in messages} == {
        "system",
        "user",
        "assistant",
    }
    turns = Counter(sum(message["role"] == "assistant" for message in row) for row in rows)
    assert turns == {1: 25, 2: 25}
    systems = sum(row[0]["role"] == "system" for row in rows)
    assert 10 < systems < 40
    for messages in rows:
        roles = [message["role"] for message in messages if message["role"] != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2)


@pytest.mark.parametrize("n", [3, 50, 100])
def test_labels_are_balanced_and_mixed(n: int) -> None:
    labels = [row["label"] for row in sample_rows("csv_classification", n)]
    counts = Counter(labels)
    assert set(counts) == {"positive", "negative", "neutral"}
    assert max(counts.values()) - min(counts.values()) <= 1
    assert all(len(set(labels[i : i + 3])) == 3 for i in range(n - 2))


@pytest.mark.parametrize("format", FORMATS)
def test_written_file_reads_back_the_same(format: str, tmp_path: Path) -> None:
    path = write_sample(format, tmp_path / "new folder" / "sample", n=17, seed=3)
    with open(path, encoding="utf-8", newline="") as stream:
        if format == "csv_classification":
            rows: list[Any] = list(csv.DictReader(stream))
        else:
            rows = [json.loads(line) for line in stream]
    assert rows == sample_rows(format, 17, seed=3)
    assert path.read_bytes() == write_sample(format, tmp_path / "again", n=17, seed=3).read_bytes()


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "5"])
def test_bad_arguments_are_all_told_at_once(n: Any) -> None:
    with pytest.raises(FindingsError) as caught:
        sample_rows("parquet", n)
    assert [item.code for item in caught.value.findings] == [
        "samples.unknown_format",
        "samples.bad_count",
    ]
    assert "jsonl_chat" in str(caught.value)
