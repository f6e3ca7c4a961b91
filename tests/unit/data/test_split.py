"""Splitting: a partition, the same one every time, and honest about what it leaks."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ft_runtime.data import Row, check_rows, check_splits, load_rows, split_rows
from ft_runtime.data.leakage import sorted_by_label
from ft_runtime.data.strategies import STRATEGIES, sizes
from ft_runtime.findings import FindingsError


def prompts(n: int) -> list[dict[str, str]]:
    return [{"prompt": f"p{i}", "completion": f"c{i}"} for i in range(n)]


def classes(labels: str) -> list[dict[str, str]]:
    return [{"text": f"t{i}", "label": label} for i, label in enumerate(labels)]


def split(make_config, write, content, format="jsonl_prompt", *, seed=42, **shares):
    config = make_config(write("a.jsonl", content), format, seed=seed, split=shares)
    rows, found = check_rows(config)
    assert rows is not None, found
    return check_splits(rows, config)


def numbers(splits) -> list[list[int]]:
    return [[row.number for row in rows] for rows in (splits.train, splits.val, splits.test)]


def codes(found) -> set[str]:
    return {item.code for item in found}


def test_random_is_the_same_for_a_seed_for_ever(make_config, write):
    splits, found = split(make_config, write, prompts(10), train=0.6, val=0.2, test=0.2)
    # Written down once: another version of Python or of this code must give the same rows.
    assert numbers(splits) == [[1, 3, 5, 6, 7, 9], [2, 10], [4, 8]]
    assert found == []
    again, _ = split(make_config, write, prompts(10), train=0.6, val=0.2, test=0.2)
    assert again.sha256 == splits.sha256
    other, _ = split(make_config, write, prompts(10), train=0.6, val=0.2, test=0.2, seed=1)
    assert other.sha256 != splits.sha256
    assert (splits.strategy, splits.seed) == ("random", 42)


def test_the_seed_is_what_draws(make_config, write):
    """An independent calculation: the smallest of the numbers drawn are validation, then test."""
    import random

    drawn = random.Random(7)
    order = sorted((drawn.random(), number) for number in range(1, 51))
    splits, _ = split(make_config, write, prompts(50), train=0.7, val=0.2, test=0.1, seed=7)
    assert numbers(splits)[1] == sorted(number for _, number in order[:10])
    assert numbers(splits)[2] == sorted(number for _, number in order[10:15])


def test_tail_holds_out_the_last_rows(make_config, write):
    splits, found = split(
        make_config, write, prompts(10), train=0.6, val=0.2, test=0.2, strategy="tail"
    )
    assert numbers(splits) == [[1, 2, 3, 4, 5, 6], [7, 8], [9, 10]]
    assert found == []
    assert splits.seed is None


def test_only_usable_rows_are_split(make_config, write):
    content = prompts(10)
    content[3]["completion"] = ""
    splits, _ = split(make_config, write, content, train=0.5, val=0.5)
    parted = sorted(number for part in numbers(splits) for number in part)
    assert parted == [1, 2, 3, 5, 6, 7, 8, 9, 10]


def test_a_small_share_of_few_rows_still_holds_one_out_and_says_so(make_config, write):
    splits, found = split(make_config, write, prompts(10), train=0.98, val=0.02)
    assert [len(part) for part in numbers(splits)] == [9, 1, 0]
    assert codes(found) == {"data.share_below_one_row"}


def test_a_single_row_is_trained_on(make_config, write):
    splits, found = split(make_config, write, prompts(1), train=0.5, val=0.5)
    assert numbers(splits) == [[1], [], []]
    assert "data.nothing_held_out" in codes(found)


def test_no_training_row_is_an_error(make_config, write):
    config = make_config(
        {
            "train": write("a.jsonl", [{"prompt": "", "completion": "c"}]),
            "val": write("b.jsonl", prompts(3)),
        },
        "jsonl_prompt",
    )
    rows = load_rows(config)
    with pytest.raises(FindingsError) as raised:
        split_rows(rows, config)
    assert [item.code for item in raised.value.findings] == ["data.no_training_rows"]


def test_files_are_the_split(make_config, write):
    config = make_config(
        {
            "test": write("c.jsonl", prompts(9)[7:]),
            "train": write("a.jsonl", prompts(5)),
            "val": write("b.jsonl", prompts(7)[5:]),
        },
        "jsonl_prompt",
    )
    rows, found = check_rows(config)
    assert found == []
    assert [(row.number, row.source, row.line, row.split) for row in rows.rows][4:8] == [
        (5, "a.jsonl", 5, "train"),
        (6, "b.jsonl", 1, "val"),
        (7, "b.jsonl", 2, "val"),
        (8, "c.jsonl", 1, "test"),
    ]
    splits, found = check_splits(rows, config)
    assert numbers(splits) == [[1, 2, 3, 4, 5], [6, 7], [8, 9]]
    assert (splits.strategy, splits.seed, found) == ("given", None, [])


def test_files_of_one_name_are_told_apart(make_config, write):
    config = make_config(
        {"train": write("one/a.jsonl", prompts(3)), "val": write("two/a.jsonl", prompts(5)[3:])},
        "jsonl_prompt",
    )
    rows, _ = check_rows(config)
    assert len({source.name for source in rows.sources}) == 2


def test_a_train_file_alone_warns_that_nothing_is_held_out(make_config, write):
    config = make_config({"train": write("a.jsonl", prompts(3))}, "jsonl_prompt")
    splits, found = check_splits(load_rows(config), config)
    assert codes(found) == {"data.nothing_held_out"}
    assert len(splits.train) == 3


def test_rows_on_both_sides_are_counted_and_placed(make_config, write):
    train = prompts(6)
    val = [
        train[0],
        {"completion": "c1", "prompt": "p1"},
        {"prompt": "p2", "completion": "another"},
        *prompts(8)[6:],
    ]
    test = [val[3]]
    config = make_config(
        {
            "train": write("a.jsonl", train),
            "val": write("b.jsonl", val),
            "test": write("c.jsonl", test),
        },
        "jsonl_prompt",
    )
    _, found = check_splits(load_rows(config), config)
    told = {item.code: item for item in found}
    assert set(told) == {"data.split_overlap", "data.prompt_overlap", "data.held_out_overlap"}
    assert told["data.split_overlap"].message.startswith("2 of 6 held-out rows")
    assert told["data.split_overlap"].where == "b.jsonl:1, 2"
    assert told["data.prompt_overlap"].where == "b.jsonl:3"
    assert told["data.held_out_overlap"].message.startswith("1 row")


def test_chats_that_share_their_question_are_told(make_config, write):
    def chat(answer):
        return {
            "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": answer}]
        }

    config = make_config(
        {"train": write("a.jsonl", [chat("a")]), "val": write("b.jsonl", [chat("b")])}, "jsonl_chat"
    )
    _, found = check_splits(load_rows(config), config)
    assert codes(found) == {"data.prompt_overlap"}


def test_stratified_gives_every_class_its_share(make_config, write):
    content = classes("a" * 60 + "b" * 30 + "c" * 10)
    splits, found = split(
        make_config, write, content, "csv_classification", train=0.8, val=0.1, test=0.1
    )
    counts = [
        Counter(row.fields["label"] for row in part)
        for part in (splits.train, splits.val, splits.test)
    ]
    assert counts == [
        {"a": 48, "b": 24, "c": 8},
        {"a": 6, "b": 3, "c": 1},
        {"a": 6, "b": 3, "c": 1},
    ]
    assert found == []


def test_stratified_names_classes_too_small_to_be_held_out(make_config, write):
    content = classes("a" * 20 + "b" * 20 + "c")
    splits, found = split(make_config, write, content, "csv_classification", train=0.9, val=0.1)
    assert [row.fields["label"] for row in splits.train].count("c") == 1
    told = [item for item in found if item.code == "data.classes_not_held_out"]
    assert '"c"' in told[0].message
    assert told[0].severity == "info"


def test_stratified_with_a_share_below_a_row_still_holds_one_out(make_config, write):
    splits, _ = split(make_config, write, classes("aabb"), "csv_classification", train=0.9, val=0.1)
    assert [len(part) for part in numbers(splits)] == [3, 1, 0]


def test_many_small_classes_together_get_their_share(make_config, write):
    content = classes("".join(chr(0x4E00 + i) * 4 for i in range(77)))
    splits, _ = split(make_config, write, content, "csv_classification", train=0.9, val=0.1)
    assert len(splits.val) == round(77 * 4 * 0.1)
    assert len({row.fields["label"] for row in splits.train}) == 77


def test_tail_of_a_sorted_file_warns_and_names_what_training_never_sees(make_config, write):
    content = classes("a" * 10 + "b" * 10 + "c" * 5)
    splits, found = split(
        make_config, write, content, "csv_classification", train=0.7, val=0.3, strategy="tail"
    )
    assert splits is not None
    assert {"data.tail_of_sorted", "data.unseen_labels"} == codes(found)
    told = next(item for item in found if item.code == "data.unseen_labels")
    assert told.message.startswith("5 of 7 held-out rows")
    assert '"c"' in told.message


def test_held_out_classes_that_training_never_sees_at_all_are_an_error(make_config, write):
    content = classes("a" * 5 + "b" * 5 + "c" * 2)
    splits, found = split(
        make_config, write, content, "csv_classification", train=0.84, val=0.16, strategy="tail"
    )
    assert splits is None
    assert "data.all_labels_unseen" in codes(found)


def test_training_on_one_class_is_an_error(make_config, write):
    content = classes("a" * 8 + "b" * 2 + "a")
    splits, found = split(
        make_config, write, content, "csv_classification", train=0.7, val=0.3, strategy="tail"
    )
    assert splits is None
    assert "data.one_class_in_training" in codes(found)


def test_split_rows_shows_and_keeps_its_warnings(make_config, write, capsys):
    config = make_config(
        write("a.jsonl", prompts(10)), "jsonl_prompt", split={"train": 0.98, "val": 0.02}
    )
    splits = split_rows(load_rows(config), config)
    assert codes(splits.findings) == {"data.share_below_one_row"}
    assert "share_below_one_row" in capsys.readouterr().err
    assert repr(splits).startswith("train 9, val 1, test 0 (random, seed 42)")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [("aabb", True), ("abab", False), ("ab", False), ("aa", False), ("", False), ("aab", True)],
)
def test_sorted_by_label(labels, expected):
    rows = [
        Row(i, "a", i, None, {"text": "t", "label": label}) for i, label in enumerate(labels, 1)
    ]
    assert sorted_by_label(rows) is expected


shares = (
    st.tuples(*[st.integers(0, 20)] * 3)
    .filter(lambda s: s[0] > 0)
    .map(
        lambda s: {
            name: part / sum(s) for name, part in zip(("train", "val", "test"), s, strict=True)
        }
    )
)


@settings(deadline=None)
@given(st.integers(1, 500), shares)
def test_sizes_add_up_and_are_near_their_shares(count, share):
    size = sizes(count, share)
    assert sum(size.values()) == count
    assert size["train"] >= 1
    for name, part in size.items():
        assert abs(part - count * share[name]) < 2.0 + 1e-6
        assert part == 0 or share[name] > 0


@settings(deadline=None)
@given(
    st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=120), shares, st.integers(0, 2**32)
)
def test_every_strategy_is_a_partition_and_depends_on_nothing_but_its_arguments(
    labels, share, seed
):
    rows = [
        Row(i, "a", i, None, {"text": f"t{i}", "label": label}) for i, label in enumerate(labels, 1)
    ]
    for strategy in STRATEGIES.values():
        parts = strategy(rows, share, seed)
        assert parts == strategy(list(rows), dict(share), seed)
        assert sorted((row for part in parts for row in part), key=lambda row: row.number) == rows
        assert len(parts[0]) >= 1
        for part, name in zip(parts, ("train", "val", "test"), strict=True):
            assert part == sorted(part, key=lambda row: row.number)
            assert not part or share[name] > 0


@settings(deadline=None)
@given(
    st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=120), shares, st.integers(0, 2**32)
)
def test_stratified_keeps_every_class_in_training_and_its_shares(labels, share, seed):
    rows = [
        Row(i, "a", i, None, {"text": f"t{i}", "label": label}) for i, label in enumerate(labels, 1)
    ]
    train, val, test = STRATEGIES["stratified"](rows, share, seed)
    assert {row.fields["label"] for row in train} == set(labels)
    if share["train"] >= 0.5 and min(Counter(labels).values()) >= 8:
        assert abs(len(val) - len(rows) * share["val"]) <= 1
        assert abs(len(test) - len(rows) * share["test"]) <= 1
