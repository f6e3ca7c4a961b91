"""The examples hold what they promise: they load, they differ from each other, their code runs."""

from __future__ import annotations

import ast
import csv
import json
import keyword
import re
import runpy
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ft_runtime.config import check_config
from ft_runtime.data import load_rows, split_rows

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
CONFIGS = sorted((EXAMPLES / "configs").glob("*.yaml"))
DATASETS = sorted(
    path for path in (EXAMPLES / "datasets").iterdir() if path.suffix in {".jsonl", ".csv"}
)
TASKS = {"text_to_sql", "code_review", "technical_qa", "summarisation", "chat", "classification"}

named = pytest.mark.parametrize("path", DATASETS, ids=lambda path: path.stem)
presets = pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)


def rows_of(path: Path) -> list[dict[str, Any]]:
    with open(path, encoding="utf-8", newline="") as stream:
        if path.suffix == ".csv":
            return list(csv.DictReader(stream))
        return [json.loads(line) for line in stream]


def dataset(task: str) -> list[dict[str, Any]]:
    (path,) = (path for path in DATASETS if path.stem == task)
    return rows_of(path)


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [text for item in items for text in strings(item)]


def test_every_task_has_a_dataset_and_a_preset() -> None:
    assert {path.stem for path in DATASETS} == TASKS
    assert {path.stem for path in CONFIGS} >= TASKS


@presets
def test_preset_is_without_findings(path: Path) -> None:
    config, findings = check_config(path)
    assert findings == []
    assert config is not None


def test_presets_spread_over_tuning_methods_and_formats() -> None:
    configs = [check_config(path)[0] for path in CONFIGS]
    assert {config.tune_type for config in configs} == {"full", "lora", "qlora"}
    assert len({config.dataset.format for config in configs}) == 4
    folders = [config.artifacts.output_dir for config in configs]
    assert len(set(folders)) == len(folders), "two presets would write into one run folder"


@presets
def test_preset_loads_its_dataset_without_a_problem(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    config, _ = check_config(path)
    loaded = load_rows(config)
    assert loaded.findings == []
    assert all(row.usable and not row.problems for row in loaded.rows)
    assert len(loaded.rows) == len(rows_of(ROOT / config.dataset.path))
    splits = split_rows(loaded, config)
    assert splits.findings == [], "an overlap of the splits, or a class that is not held out"
    assert len(splits.train) + len(splits.held_out) == len(loaded.rows)


@named
def test_size_and_no_row_twice(path: Path) -> None:
    rows = rows_of(path)
    assert 60 <= len(rows) <= 150
    # Case and white space aside, no question is asked twice.
    asked = [json.dumps(strings(row)[:-1]).casefold().split() for row in rows]
    assert len({" ".join(words) for words in asked}) == len(rows)
    assert all(text == text.strip() for row in rows for text in strings(row)) or (
        path.stem
        == "text_to_sql"  # a completion starts with the space that parts it from the prompt
    )


@named
def test_nothing_personal_and_no_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"[\w.+-]+@[\w-]+\.\w+", text), "an e-mail address"
    assert not re.search(r"\b\d{2,4}([ /-]\d{3,}){2,}", text), "a telephone or card number"
    assert not re.search(r"\b(sk-|hf_|ghp_|AKIA)\w{8,}", text), "an access key"


@named
def test_plain_utf8_with_unix_line_ends(path: Path) -> None:
    data = path.read_bytes()
    assert data.endswith(b"\n")
    assert b"\r" not in data
    assert not data.startswith(b"\xef\xbb\xbf")
    data.decode("utf-8")


def test_the_table_in_the_readme_counts_right() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in DATASETS:
        (line,) = (line for line in readme.splitlines() if f"datasets/{path.name})" in line)
        assert f"| {len(rows_of(path))}" in line
        assert (EXAMPLES / "configs" / f"{path.stem}.yaml").is_file()


# --- text to SQL ---


@pytest.fixture
def tables() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        (EXAMPLES / "datasets" / "text_to_sql.sql").read_text(encoding="utf-8")
    )
    yield connection
    connection.close()


def test_every_query_runs_and_finds_something(tables: sqlite3.Connection) -> None:
    for row in dataset("text_to_sql"):
        result = tables.execute(row["completion"]).fetchall()
        assert result not in ([], [(0,)], [(None,)]), row


def test_every_prompt_tells_the_columns_that_its_query_uses(tables: sqlite3.Connection) -> None:
    for row in dataset("text_to_sql"):
        told, question, end = row["prompt"].split("\n")
        described = dict(re.findall(r"(\w+)\(([^)]*)\)", told))
        for table, columns in described.items():
            info = tables.execute(f"PRAGMA table_info({table})")
            assert columns.split(", ") == [column[1] for column in info]
        assert set(re.findall(r"(?:FROM|JOIN) (\w+)", row["completion"])) == set(described)
        assert question.startswith("Question: ")
        assert end == "SQL:"


def test_no_answer_hangs_on_a_tie(tables: sqlite3.Connection) -> None:
    for row in dataset("text_to_sql"):
        if match := re.search(r"FROM (\w+) ORDER BY (\w+)", row["completion"]):
            table, column = match.groups()
            values = [value for (value,) in tables.execute(f"SELECT {column} FROM {table}")]
            assert len(set(values)) == len(values)


def test_the_generator_gives_the_committed_rows() -> None:
    made = runpy.run_path(str(EXAMPLES / "make_datasets.py"))["text_to_sql"]()
    assert made == dataset("text_to_sql")


# --- the others ---


def test_reviewed_code_parses() -> None:
    for row in dataset("code_review"):
        ast.parse(row["input"])
        assert len(row["output"]) > 40


def test_code_in_reviews_parses() -> None:
    wrappings = ("{}", "{}\n    pass", "{}:\n    pass", "def f():\n    {}", "x {}", "x {} y")
    words = {*keyword.kwlist, "x; rm -rf ~"}
    for row in dataset("code_review"):
        for code in set(re.findall(r"`([^`]+)`", row["output"])) - words:
            assert any(parses(wrapping.format(code)) for wrapping in wrappings), code


def parses(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def test_summaries_are_one_shorter_sentence() -> None:
    for row in dataset("summarisation"):
        assert len(row["output"]) < 0.75 * len(row["input"])
        assert row["output"].endswith(".")
        assert ". " not in row["output"]


@pytest.mark.parametrize("task", ["chat", "technical_qa"])
def test_turns_alternate_and_end_with_the_assistant(task: str) -> None:
    for row in dataset(task):
        roles = [message["role"] for message in row["messages"]]
        spoken = roles[1:] if roles[0] == "system" else roles
        assert spoken == ["user", "assistant"] * (len(spoken) // 2)
        assert all(set(message) == {"role", "content"} for message in row["messages"])


def test_chats_have_several_turns_and_a_system_prompt() -> None:
    for row in dataset("chat"):
        roles = [message["role"] for message in row["messages"]]
        assert roles[0] == "system"
        assert roles.count("assistant") >= 2


def test_classes_are_balanced_and_the_awkward_cases_are_there() -> None:
    rows = dataset("classification")
    assert Counter(row["label"] for row in rows) == dict.fromkeys(
        ["billing", "shipping", "returns", "technical", "account"], 24
    )
    for awkward in (",", "\n", '"'):
        assert sum(awkward in row["text"] for row in rows) >= 3
