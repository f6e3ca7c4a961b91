"""YAML is read by the rules of 1.2, and every broken file gives a finding with its place."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ft_runtime.config import apply_overrides, check_config, parse_text, read_document
from ft_runtime.config.read import to_yaml
from ft_runtime.findings import FindingsError

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def only_code(action, *arguments) -> tuple[str, str]:
    with pytest.raises(FindingsError) as caught:
        action(*arguments)
    (item,) = caught.value.findings
    return item.code, item.where


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-4", 2e-4),
        ("2.0e-4", 2e-4),
        (".5", 0.5),
        ("1_0", "1_0"),
        ("no", "no"),
        ("off", "off"),
        ("true", True),
        ("2026-01-01", "2026-01-01"),
        ("0x1F", "0x1F"),
        ("017", 17),
        ("1:30", "1:30"),
        ("~", None),
        ("'2e-4'", "2e-4"),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, value: object):
    assert parse_text(f"a: {text}") == {"a": value}


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_yaml_round_trip_keeps_every_value(document: dict):
    assert parse_text(to_yaml(document)) == document


@given(st.dictionaries(TEXT, TEXT, max_size=4))
def test_readers_of_yaml_1_1_see_the_same_texts(document: dict):
    assert yaml.safe_load(to_yaml(document)) == document


@given(st.text(max_size=200))
def test_any_text_is_a_mapping_or_a_finding(text: str):
    try:
        assert isinstance(parse_text(text), dict)
    except FindingsError as error:
        assert all(item.hint for item in error.findings)


@given(VALUES)
def test_any_document_is_checked_without_a_crash(document: object):
    config, findings = check_config(
        document if isinstance(document, dict) else {"dataset": document}
    )
    assert config is None
    assert findings


def test_syntax_errors_name_line_and_column():
    assert only_code(parse_text, "a: 1\nb: [1, 2\nc: 3\n", "c.yaml") == (
        "config.syntax",
        "c.yaml:3:2",
    )
    assert only_code(parse_text, "a: 1\na: 2\n", "c.yaml") == ("config.syntax", "c.yaml:2:1")
    assert only_code(parse_text, "? [1]\n: 2\n", "c.yaml") == ("config.syntax", "c.yaml:1:3")
    assert only_code(parse_text, "!!python/object:os.system x", "c.yaml")[0] == "config.syntax"


def test_other_documents_are_named():
    for text in ("", "- 1\n", "just text", "3"):
        assert only_code(parse_text, text, "c.yaml") == ("config.not_a_mapping", "c.yaml")


def test_files(tmp_path: Path):
    missing = tmp_path / "none.yaml"
    assert only_code(read_document, missing)[0] == "config.file_missing"
    with pytest.raises(FindingsError, match=re.escape(f"looked in is {Path.cwd()}.")):
        read_document("none.yaml")
    assert only_code(read_document, tmp_path)[0] == "config.file_unreadable"
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    assert only_code(read_document, tmp_path / "latin.yaml")[0] == "config.file_unreadable"
    (tmp_path / "huge.yaml").write_bytes(b"#" * (5 << 20))
    assert only_code(read_document, tmp_path / "huge.yaml")[0] == "config.file_unreadable"
    (tmp_path / "bom.json").write_bytes(b'\xef\xbb\xbf{"a": 1e-3}')
    assert read_document(tmp_path / "bom.json") == {"a": 1e-3}
    (tmp_path / "twice.json").write_text('{"a": 1, "a": 2}')
    assert only_code(read_document, tmp_path / "twice.json")[0] == "config.syntax"
    (tmp_path / "cut.json").write_text('{"a":\n')
    assert only_code(read_document, tmp_path / "cut.json") == (
        "config.syntax",
        f"{tmp_path / 'cut.json'}:2:1",
    )
    (tmp_path / "deep.json").write_text("[" * 100_000)
    assert only_code(read_document, tmp_path / "deep.json")[0] == "config.syntax"


def test_aliases_that_stand_for_more_than_memory_holds_are_refused():
    levels = "bcdefghij"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for name, below in zip(levels, "a" + levels, strict=False):
        lines.append(f"{name}: &{name} [{', '.join([f'*{below}'] * 10)}]")
    assert only_code(parse_text, "\n".join(lines), "c.yaml") == ("config.syntax", "c.yaml")
    assert parse_text("a: &a [1]\nb: [*a, *a]") == {"a": [1], "b": [[1], [1]]}


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(["a0: 1", *(f"a{i + 1}: &a{i + 1} !!pairs [x: 1, y: 2]" for i in range(1)),
                   *(f"a{i}: &a{i} !!pairs [x: *a{i - 1}, y: *a{i - 1}]" for i in range(2, 30))]),
        f"a: &a {'x' * 64_000}\nb: [{', '.join(['*a'] * 200)}]",
    ],
    ids=["pairs", "texts"],
)  # fmt: skip
def test_pairs_and_long_texts_are_counted_as_often_as_they_stand(text: str):
    assert only_code(parse_text, text, "c.yaml") == ("config.syntax", "c.yaml")


@pytest.mark.parametrize("text", ["&x [*x]", "- &a\n  - *a"])
def test_a_list_that_holds_itself_is_no_config(text: str):
    assert only_code(parse_text, text, "c.yaml") == ("config.not_a_mapping", "c.yaml")


def test_many_keys_are_compared_once(tmp_path: Path):
    (tmp_path / "many.json").write_text(json.dumps({f"k{i}": 1 for i in range(60_000)}))
    start = time.process_time()  # each with each would take minutes
    assert len(read_document(tmp_path / "many.json")) == 60_000
    assert time.process_time() - start < 10


def test_overrides_change_single_fields_and_name_mistakes():
    document = {"hyperparams": {"num_epochs": 1}, "seed": 3}
    changed = apply_overrides(
        document, ["hyperparams.num_epochs=2e-1", "dataset.split={train: 1}", "model_id=a=b"]
    )
    assert changed == {
        "hyperparams": {"num_epochs": 0.2},
        "seed": 3,
        "dataset": {"split": {"train": 1}},
        "model_id": "a=b",
    }
    assert document == {"hyperparams": {"num_epochs": 1}, "seed": 3}
    for wrong in ("seed", "=1", "seed.x=1", "a..b=1"):
        assert only_code(apply_overrides, document, [wrong])[0] == "config.bad_override"
