"""What the labels, taken together, tell."""

from __future__ import annotations

from ft_runtime.data import check_rows


def load(make_config, write, pairs):
    content = [{"text": text, "label": label} for text, label in pairs]
    rows, found = check_rows(make_config(write("a.jsonl", content), "csv_classification"))
    return rows, {item.code: item for item in found}


def test_one_class_only_is_an_error(write, make_config):
    rows, found = load(make_config, write, [("a", "x"), ("b", "x")])
    assert rows is None
    assert found["data.one_class"].severity == "error"


def test_one_class_is_judged_on_usable_rows(write, make_config):
    rows, found = load(make_config, write, [("a", "x"), ("b", "x"), ("", "y")])
    assert rows is None
    assert set(found) == {"data.one_class", "data.rows_unusable"}


def test_labels_that_differ_by_case_or_space_stay_and_are_named(write, make_config):
    pairs = [
        ("a", "pos"),
        ("b", "pos "),
        ("c", "Pos"),
        ("d", "neg"),
        ("e", "neg"),
        ("f", "ne\u200bg"),
    ]
    rows, _ = load(make_config, write, pairs)
    assert rows.label_names == ["Pos", "neg", "ne\u200bg", "pos", "pos "]
    told = [item for item in rows.findings if item.code == "data.label_variants"]
    assert len(told) == 2
    assert '"Pos" (1), "pos" (1), "pos " (1)' in told[0].message
    assert "ne\\u200bg" in told[1].message
    assert all(item.severity == "warning" for item in told)


def test_a_label_with_spaces_around_it_is_told_even_when_alone_in_it(write, make_config):
    _, found = load(make_config, write, [("a", " pos"), ("b", "neg"), ("c", "neg"), ("d", " pos")])
    assert set(found) == {"data.label_spaces"}
    assert '" pos"' in found["data.label_spaces"].message


def test_classes_of_a_single_row_are_named(write, make_config):
    _, found = load(make_config, write, [("a", "x"), ("b", "x"), ("c", "y")])
    assert set(found) == {"data.tiny_classes"}
    assert '"y"' in found["data.tiny_classes"].message


def test_equal_texts_with_different_labels_are_counted(write, make_config):
    pairs = [("a", "x"), ("b", "y"), ("a", "y"), ("b", "x"), ("c", "x"), ("c", "x")]
    _, found = load(make_config, write, pairs)
    assert set(found) == {"data.label_conflicts", "data.duplicate_rows"}
    assert found["data.label_conflicts"].message.startswith("2 row(s)")
    assert found["data.label_conflicts"].where == "a.jsonl:3, 4"
    assert found["data.duplicate_rows"].where == "a.jsonl:6"


def test_swapped_columns_are_suspected(write, make_config):
    pairs = [("pos" if i % 2 else "neg", f"a longer sentence number {i}") for i in range(30)]
    _, found = load(make_config, write, pairs)
    assert "data.labels_look_like_text" in found
    pairs = [(text, label) for label, text in pairs]
    _, found = load(make_config, write, pairs)
    assert found == {}


def test_numeric_labels_are_noted(write, make_config):
    _, found = load(make_config, write, [("a", "0"), ("b", "1"), ("c", "0"), ("d", "1")])
    assert set(found) == {"data.numeric_labels"}
    assert found["data.numeric_labels"].severity == "info"
