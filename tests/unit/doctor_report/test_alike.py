"""Near duplicates are found in every container, told everywhere, and kept on one side."""

from __future__ import annotations

import csv
import json
import random

import pytest

from ft_runtime.cli import main
from ft_runtime.doctor.engine import CHECKS
from ft_runtime.doctor.examine import SplitPlan, examine
from support.small_data import jsonl, table

NEAR = CHECKS | {"near"}


def sentence(rng: random.Random, words: int = 30) -> list[str]:
    return ["".join(rng.choices("abcdefghij", k=6)) for _ in range(words)]


@pytest.fixture
def texts():
    """Forty texts; the last ten repeat the first ten with one word changed."""
    rng = random.Random(3)
    whole = [sentence(rng) for _ in range(30)]
    edited = [[*words[:14], "other", *words[15:]] for words in whole[:10]]
    return [" ".join(words) for words in whole + edited]


def test_pairs_are_found_and_named_by_line(tmp_path, texts):
    rows = [{"prompt": text, "completion": f"answer {i}"} for i, text in enumerate(texts)]
    report = examine(jsonl(tmp_path / "a.jsonl", rows), checks=NEAR)
    assert report.near.rows == 10
    assert report.near.groups[0] == [f"{tmp_path}/a.jsonl:1", f"{tmp_path}/a.jsonl:31"]
    told = next(f for f in report.findings if f.code.endswith(".near_duplicates"))
    assert "10 row(s)" in told.message
    assert report.to_dict()["near"]["rows"] == 10


def test_nothing_is_looked_for_unless_asked(tmp_path, texts):
    rows = [{"prompt": text, "completion": "a"} for text in texts]
    report = examine(jsonl(tmp_path / "a.jsonl", rows))
    assert report.near is None
    assert report.to_dict()["near"] is None


def test_containers_agree(tmp_path, texts):
    rows = [
        {"text": f'{text}, "so"\nhe said', "label": "ab"[i % 2]} for i, text in enumerate(texts)
    ]
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=1))
    sources = [
        jsonl(tmp_path / "a.jsonl", rows),
        table(tmp_path / "a.csv", rows),
        table(tmp_path / "b.csv", rows, ";"),
        tmp_path / "a.json",
    ]
    found = [examine(source, "csv_classification", checks=NEAR).near for source in sources]
    assert [near.rows for near in found] == [10] * 4
    # Every record of the table stands on two lines, behind the header.
    assert found[1].groups[0] == [f"{tmp_path}/a.csv:2", f"{tmp_path}/a.csv:62"]


def test_what_frames_a_conversation_does_not_count(tmp_path):
    rng = random.Random(5)
    frame = " ".join(sentence(rng, 200))
    rows = [
        {
            "messages": [
                {"role": "system", "content": frame},
                {"role": "user", "content": " ".join(sentence(rng))},
                {"role": "assistant", "content": " ".join(sentence(rng))},
            ]
        }
        for _ in range(20)
    ]
    assert examine(jsonl(tmp_path / "a.jsonl", rows), checks=NEAR).near.rows == 0


def test_equal_and_broken_rows_are_not_near(tmp_path, texts):
    rows = [{"prompt": text, "completion": "a"} for text in texts[:20]]
    broken = [{"prompt": texts[30]}, {"prompt": texts[31], "completion": ""}]
    report = examine(jsonl(tmp_path / "a.jsonl", [*broken, *rows, *rows]), checks=NEAR)
    assert report.near.rows == 0


def test_across_splits(tmp_path, texts):
    rows = [{"prompt": text, "completion": "a"} for text in texts]
    train = jsonl(tmp_path / "train.jsonl", rows[:30])
    test = jsonl(tmp_path / "test.jsonl", rows[30:])
    report = examine({"train": train, "test": test}, checks=NEAR)
    assert report.near.across == 10
    assert report.split.near_rows == 10
    assert any(f.code.endswith(".split_nears") for f in report.findings)
    assert report.split.proposed == "files"


def test_the_safe_split_keeps_them_together(tmp_path, texts, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{"prompt": text, "completion": f"a {i}"} for i, text in enumerate(texts)]
    jsonl(tmp_path / "a.jsonl", rows)
    assert main(["check", "a.jsonl", "--near", "--write-splits", "parts", "--csv", "f.csv"]) == 0
    assert ".near_duplicates" in capsys.readouterr().err
    with open("f.csv", newline="", encoding="utf-8") as stream:
        assert any(row["code"].endswith(".near_duplicates") for row in csv.DictReader(stream))
    sides = {path.stem: path for path in (tmp_path / "parts").iterdir()}
    again = examine(sides, checks=NEAR, split=SplitPlan())
    assert again.near.rows == 10
    assert again.near.across == 0
    assert len(sides) > 1
