"""Labels, languages and samples."""

from __future__ import annotations

import math

import pytest

from ft_runtime.doctor.statistics import label_table, languages, sample_texts, scripts
from ft_runtime.doctor.statistics.labels import judge_labels
from support.small_data import ROWS, jsonl


def test_evenness_is_the_entropy_over_its_maximum():
    table = label_table({"a": 8, "b": 1, "c": 1})
    entropy = -(0.8 * math.log(0.8) + 2 * 0.1 * math.log(0.1))
    assert table.evenness == pytest.approx(entropy / math.log(3))
    assert table.ratio == 8
    assert table.majority == pytest.approx(0.8)
    assert label_table({"a": 5, "b": 5}).evenness == pytest.approx(1)
    assert label_table({}).total == 0
    assert list(label_table({"z": 1, "a": 1, "m": 2}).counts) == ["m", "a", "z"]


def test_imbalance_and_small_classes_are_told():
    codes = {i.code for i in judge_labels(label_table({"a": 900, "b": 100, "c": 2}), "x")}
    assert codes == {"data.imbalance", "data.small_classes"}
    assert judge_labels(label_table({"a": 9, "b": 8}), "x") == []


@pytest.mark.parametrize(
    ("text", "script", "language"),
    [
        ("the cat is on the mat and that is for you", "Latin", "English"),
        ("die Katze ist nicht auf der Matte und das ist ein Hund", "Latin", "German"),
        ("les chats sont dans une maison avec des chiens pour vous", "Latin", "French"),
        ("Это не то, что он сказал на улице", "Cyrillic", "Russian"),
        ("猫はマットの上にいます", "Hiragana", "Japanese"),
        ("这是一个关于猫的句子", "Han", "Chinese"),
        ("고양이가 매트 위에 있다", "Hangul", "Korean"),
        ("القطة على الحصيرة", "Arabic", "Arabic"),
        ("η γάτα είναι στο χαλί", "Greek", "Greek"),
    ],
)
def test_scripts_and_languages_are_told(text, script, language):
    found = scripts([text])
    assert script in found
    assert sum(found.values()) == pytest.approx(1)
    assert next(iter(languages([text]))) == language


def test_what_has_no_letters_has_no_script():
    assert scripts(["12 + 3 = 😀", ""]) == {}
    assert languages(["12 + 3", "xyz"]) == {}


def test_a_sample_is_spread_over_the_file_and_leaves_roles_out(tmp_path):
    rows = [
        {"messages": [{"role": "user", "content": f"row {i}"}], "src": "s"} for i in range(5000)
    ]
    found = sample_texts(jsonl(tmp_path / "a.jsonl", rows), "jsonl", {"messages"}, rows=100)
    assert 90 <= found.rows <= 110
    numbers = [int(text.split()[1]) for text in found.texts]
    assert min(numbers) < 100
    assert max(numbers) > 4900
    assert "user" not in " ".join(found.texts)


def test_a_large_file_is_sampled_by_jumps(tmp_path, monkeypatch):
    from ft_runtime.doctor.statistics import sample

    monkeypatch.setattr(sample, "_BLOCK", 1)
    path = jsonl(tmp_path / "a.jsonl", [{"text": f"row {i}", "label": "x"} for i in range(2000)])
    found = sample_texts(path, "jsonl", {"text"}, rows=50)
    assert 40 <= found.rows <= 55
    assert found.extras["label"][0][1] == "x"


def test_a_column_in_runs_is_found_and_another_is_not(tmp_path):
    rows = [{**row, "run": f"r{i // 15}", "mixed": f"m{i % 4}"} for i, row in enumerate(ROWS)]
    path = jsonl(tmp_path / "a.jsonl", rows)
    assert sample_texts(path, "jsonl", {"text", "label"}).sorted_by() == ["run"]
