"""The split doctor sees what a run would do, and its own split is safe."""

from __future__ import annotations

import csv
import errno
import json
import os
import random
from collections import Counter

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ft_runtime.cli import main
from ft_runtime.data.rows import Row
from ft_runtime.data.strategies import STRATEGIES
from ft_runtime.doctor.examine import SplitPlan, examine
from ft_runtime.doctor.splits import Members, assign, safe_sides
from ft_runtime.doctor.splits.doctor import examine_split, leaks
from ft_runtime.doctor.splits.drawing import drawn
from ft_runtime.doctor.splits.groups import also_in, group, nth
from support.small_data import ROWS, jsonl, table

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}


def members(prompts, labels=None, answers=None):
    prompt = np.array(prompts, np.uint64) + np.uint64(1)
    content = prompt * np.uint64(1000) + np.array(answers or [0] * len(prompts), np.uint64)
    names = sorted(set(labels)) if labels else []
    label = np.array([names.index(each) for each in labels]) if labels else None
    zero = np.zeros(prompt.size, np.int64)
    return Members(content, prompt, label, lambda: np.arange(1, prompt.size + 1), zero, names)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=60),
    st.sampled_from(["random", "stratified", "tail"]),
    st.sampled_from([(0.8, 0.1, 0.1), (0.9, 0.1, 0.0), (0.5, 0.0, 0.5), (0.98, 0.01, 0.01)]),
    st.integers(0, 9),
)
def test_sides_are_those_of_a_run(labels, strategy, parts, seed):
    shares = dict(zip(("train", "val", "test"), parts, strict=True))
    rows = [Row(i, "a", i, None, {"label": label}) for i, label in enumerate(labels)]
    expected = np.zeros(len(rows), np.uint8)
    for side, part in enumerate(STRATEGIES[strategy](rows, shares, seed)):
        expected[[row.number for row in part]] = side
    made = assign(members(range(len(rows)), labels), strategy, shares, seed)
    assert made.tolist() == expected.tolist()


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=1, max_size=120),
    st.integers(0, 5),
)
def test_the_safe_split_parts_no_prompt_and_starves_no_class(pairs, seed):
    # A prompt has one label here, as the text of a classification row should.
    prompts = [prompt for prompt, _ in pairs]
    rows = members(prompts, ["abc"[prompt % 3] for prompt in prompts], [a for _, a in pairs])
    sides = safe_sides(rows, SHARES, seed)
    by_prompt: dict[int, set[int]] = {}
    for prompt, side in zip(prompts, sides.tolist(), strict=True):
        by_prompt.setdefault(prompt, set()).add(side)
    assert all(len(found) == 1 for found in by_prompt.values())
    assert not leaks(rows, sides)[1].any()
    assert set(rows.label[sides == 0].tolist()) == set(rows.label.tolist())
    assert sides.tolist() == safe_sides(rows, SHARES, seed).tolist()


def test_the_safe_split_keeps_its_shares_with_many_small_classes():
    chance = random.Random(0)
    labels = [f"c{chance.randrange(40):02}" for _ in range(4000)]
    sides = safe_sides(members(range(4000), labels), SHARES, 1)
    counts = Counter(sides.tolist())
    assert counts[1] == pytest.approx(400, abs=4)
    assert counts[2] == pytest.approx(400, abs=4)


def test_a_tail_of_a_file_sorted_by_label_is_told_and_stratified_is_proposed(tmp_path):
    rows = sorted(ROWS, key=lambda row: row["label"])
    report = examine(str(table(tmp_path / "a.csv", rows)), split=SplitPlan("tail", seed=1))
    codes = {item.code for item in report.findings}
    assert {"data.tail_of_sorted", "data.classes_untested"} <= codes
    proposed = yaml.safe_load(report.split.proposal)
    assert proposed["dataset"]["split"] == {
        "train": 0.9,
        "val": 0.05,
        "test": 0.05,
        "strategy": "stratified",
    }


def test_a_file_sorted_by_another_column_is_told(tmp_path):
    rows = [
        {"prompt": f"q {i}", "completion": f"a {i}", "origin": f"site {i // 50}"}
        for i in range(200)
    ]
    path = jsonl(tmp_path / "a.jsonl", rows)
    report = examine(str(path), split=SplitPlan("tail"))
    assert report.split.sorted_by == "origin"
    assert report.split.proposed == "random"
    random.Random(0).shuffle(rows)
    path = jsonl(tmp_path / "b.jsonl", rows)
    assert examine(str(path), split=SplitPlan("tail")).split.proposal == ""


def test_leaks_are_counted_as_an_independent_count_does(tmp_path):
    chance = random.Random(3)
    rows = [{"text": f"t {chance.randrange(30)}", "label": "ab"[chance.randrange(2)]} for _ in ROWS]
    files = {"train": rows[:40], "test": rows[40:]}
    paths = {name: str(jsonl(tmp_path / f"{name}.jsonl", part)) for name, part in files.items()}
    report = examine(paths, "csv_classification")
    known = {(row["text"], row["label"]) for row in files["train"]}
    asked = {row["text"] for row in files["train"]}
    same = sum((row["text"], row["label"]) in known for row in files["test"])
    alike = sum(row["text"] in asked for row in files["test"]) - same
    assert (report.split.shared_rows, report.split.shared_prompts) == (same, alike)
    assert same
    assert alike
    assert report.split.strategy == "given"
    assert report.split.proposed == "files"
    assert set(yaml.safe_load(report.split.proposal)["dataset"]["path"]) == {"train", "val", "test"}


def test_labels_are_told_apart_by_row(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", [*ROWS, {"text": "x", "label": 7}, {"text": "y"}])
    from ft_runtime.doctor.survey import survey

    with survey(str(path), "csv_classification") as found:
        rows = found.members()
    made = [rows.names[i] for i in rows.label.tolist()]
    assert made == [*(row["label"] for row in ROWS), "7"]
    assert json.dumps(rows.line.tolist()) == json.dumps(list(range(1, 62)))


def test_where_no_split_is_safe_none_is_proposed(tmp_path):
    rows = [{"prompt": "the same", "completion": f"answer {i}"} for i in range(50)]
    report = examine(jsonl(tmp_path / "a.jsonl", rows), split=SplitPlan())
    assert report.split.proposal == ""
    assert any(f.code.endswith(".no_safe_split") for f in report.findings)


def test_few_rows_still_get_all_their_sides():
    sides = safe_sides(
        members([i % 3 for i in range(9)]), {"train": 0.9, "val": 0.05, "test": 0.05}, 1
    )
    assert sorted(set(sides.tolist())) == [0, 1, 2]
    assert safe_sides(members([0, 0]), SHARES, 1).tolist() == [0, 0]


def test_a_split_is_written_of_the_rows_that_the_scan_has_found(tmp_path, capsys, monkeypatch):
    """Quotes that are out of place cost their own rows, and none between two of them."""
    monkeypatch.chdir(tmp_path)
    row = 'text {0},{1}\n"two\nlines {0}",{1}\n'
    good = [row.format(i, "xy"[i % 2]) for i in range(30)]
    raw = "text,label\n" + "".join(good[:10]) + 'a 5" screen,x\n' + "".join(good[10:20])
    (tmp_path / "a.csv").write_text(raw + 'a 7" screen,y\n' + "".join(good[20:]) + "\n\n")
    main(["check", "a.csv", "--write-splits", "parts"])
    capsys.readouterr()
    made = []
    for path in (tmp_path / "parts").iterdir():
        with open(path, newline="", encoding="utf-8") as stream:
            made += [record["text"] for record in csv.DictReader(stream)]
    assert sorted(made) == sorted(
        [f"text {i}" for i in range(30)] + [f"two\nlines {i}" for i in range(30)]
    )


@pytest.mark.parametrize("count", [0, 1, 7, 2047, 2048, 70_000, 200_001])
@pytest.mark.parametrize("share", [0.01, 0.2, 0.9])
def test_what_is_drawn_first_is_what_a_run_draws_first(count, share):
    first = int(count * share)
    one, other = random.Random(3), random.Random(3)
    one.random(), other.random()
    keys = [one.random() for _ in range(count)]
    order = sorted(range(count), key=keys.__getitem__)
    assert drawn(count, other, first).tolist() == order[:first]
    assert one.getstate() == other.getstate()


numbers_of = st.lists(st.integers(0, 6), min_size=1, max_size=60).map(
    lambda found: np.array(found, np.uint64) * np.uint64(0x9E3779B97F4A7C15)
)


@settings(max_examples=80, deadline=None)
@given(numbers_of, st.randoms(use_true_random=False))
def test_rows_are_grouped_by_their_first(numbers, chance):
    heads = [numbers.tolist().index(each) for each in numbers.tolist()]
    made = group(numbers)
    assert made.heads.tolist() == [head == row for row, head in enumerate(heads)]
    assert dict(zip(made.later.tolist(), made.head.tolist(), strict=True)) == {
        row: head for row, head in enumerate(heads) if head != row
    }
    rows = np.flatnonzero(made.heads)
    assert made.sizes(rows).tolist() == [heads.count(row) for row in rows.tolist()]
    places = np.array(chance.sample(range(rows.size), rows.size // 2 + 1))
    assert nth(made.heads, places).tolist() == rows[places].tolist()


@settings(max_examples=80, deadline=None)
@given(numbers_of, st.randoms(use_true_random=False), st.sampled_from([0.0, 0.2, 0.8, 1.0]))
def test_held_rows_that_training_has_too(numbers, chance, share):
    held = np.array([chance.random() < share for _ in numbers])
    trained = set(numbers[~held].tolist())
    expected = [h and n in trained for h, n in zip(held.tolist(), numbers.tolist(), strict=True)]
    assert also_in(numbers, held).tolist() == expected


def spread(rows: int) -> Members:
    """Return members of which no two are alike."""
    numbers = np.arange(1, rows + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    none = np.broadcast_to(np.uint16(0), rows)
    return Members(numbers, numbers, None, lambda: none, none)


def test_the_memory_of_a_split_is_a_few_bytes_a_row():
    import tracemalloc

    most = []
    for rows in (2_000, 250_000, 750_000):  # the first: what is imported, and kept for later
        made = spread(rows)
        tracemalloc.start()
        assert examine_split(made, "random", SHARES, 1).shared_rows == 0
        assert safe_sides(made, SHARES, 1).size == rows
        most.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert most[2] - most[1] < 15 * 500_000


def test_a_class_of_one_row_stays_in_training_however_many_there_are():
    rows = 20_000
    made = spread(rows)
    made.label, made.names = np.arange(rows), [f"c{i}" for i in range(rows)]
    assert (safe_sides(made, SHARES, 1) == 0).all()


def test_the_paths_of_a_written_split_can_be_pasted(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "a.csv", ROWS)
    assert main(["check", "a.csv", "--write-splits", "my: splits #2 ü"]) == 0
    shown = capsys.readouterr().out
    pasted = yaml.safe_load(shown[shown.index("dataset:") :])
    for name, path in pasted["dataset"]["path"].items():
        assert (tmp_path / path).is_file(), name


def test_a_full_disk_leaves_no_part_of_a_split(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "a.csv", ROWS)
    calls, real = [], os.fsync

    def full(handle):
        calls.append(handle)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    assert main(["check", "a.csv", "--write-splits", "parts"]) == 1
    assert list((tmp_path / "parts").iterdir()) == []
