"""Two versions of a dataset: the same, or what changed."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ft_runtime.doctor.identity import FILE, ROWS, diff, read_record, record, write_record
from ft_runtime.doctor.survey import survey
from ft_runtime.findings import FindingsError
from support.small_data import jsonl

PAIRS = [{"prompt": f"q {i}", "completion": f"a {i}"} for i in range(30)]


def record_of(path, rows, **more):
    with survey(str(jsonl(path, rows, **more)), "jsonl_prompt") as found:
        return record(found)


def test_order_space_and_escapes_make_no_other_dataset(tmp_path):
    one = record_of(tmp_path / "a.jsonl", PAIRS)
    shuffled = random.Random(0).sample(PAIRS, len(PAIRS))
    turned = [dict(reversed(row.items())) for row in shuffled]
    other = record_of(tmp_path / "b.jsonl", turned, indent=None, separators=(" ,", " : "))
    assert one.fingerprint == other.fingerprint
    assert one.sources[0]["sha256"] != other.sources[0]["sha256"]
    assert diff(one, other).same


def test_a_record_comes_back_from_a_run_folder(tmp_path):
    made = record_of(tmp_path / "a.jsonl", PAIRS)
    assert write_record(tmp_path, made) == tmp_path / FILE
    again = read_record(tmp_path)
    assert again.to_dict() == made.to_dict()
    assert diff(made, again).same
    (tmp_path / ROWS).write_bytes(b"other")
    with pytest.raises(FindingsError, match="no_record"):
        read_record(tmp_path / FILE)


def test_added_removed_and_edited_rows_are_told_apart(tmp_path):
    after = [dict(row) for row in PAIRS if row["prompt"] != "q 3"]
    after[5]["completion"] = "another answer"
    after[6]["prompt"] = "another question"
    after.append({"prompt": "new", "completion": "new"})
    old, new = record_of(tmp_path / "a.jsonl", PAIRS), record_of(tmp_path / "b.jsonl", after)
    found = diff(old, new)
    assert (found.kept, found.added, found.removed, found.edited) == (27, 1, 1, 2)
    assert found.examples["added"] == [f"{tmp_path / 'b.jsonl'}:30"]
    assert found.examples["removed"] == [f"{tmp_path / 'a.jsonl'}:4"]
    assert (f"{tmp_path / 'a.jsonl'}:7", f"{tmp_path / 'b.jsonl'}:6") in found.examples["edited"]
    assert "1 rows added" in repr(found)
    assert json.loads(json.dumps(found.to_dict()))["edited"] == 2


rows = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=25)


@settings(max_examples=60, deadline=None)
@given(rows, rows)
def test_counts_add_up_with_repetitions(tmp_path_factory, first, second):
    folder = tmp_path_factory.mktemp("diff")
    old, new = (
        record_of(folder / name, [{"prompt": f"q{p}", "completion": f"a{c}"} for p, c in pairs])
        for name, pairs in (("a.jsonl", first), ("b.jsonl", second))
    )
    found = diff(old, new)
    assert found.kept + found.removed + found.edited == len(first)
    assert found.kept + found.added + found.edited == len(second)
    from collections import Counter

    common = sum((Counter(first) & Counter(second)).values())
    assert found.kept == common
    assert found.same == (Counter(first) == Counter(second))


def test_a_run_records_its_data(tmp_path):
    from types import SimpleNamespace

    from ft_runtime.config import load_config
    from ft_runtime.doctor.sources import record_data

    parts = {"train": PAIRS[:20], "val": PAIRS[20:]}
    paths = {name: str(jsonl(tmp_path / f"{name}.jsonl", rows)) for name, rows in parts.items()}
    config = load_config({"model_id": "m", "dataset": {"path": paths, "format": "jsonl_prompt"}})
    record_data(config, SimpleNamespace(path=tmp_path / "run"))
    again = read_record(tmp_path / "run")
    assert [source["split"] for source in again.sources] == ["train", "val"]
    assert diff(record_of(tmp_path / "all.jsonl", PAIRS), again).same


def test_a_run_records_no_other_data_than_it_has_read(tmp_path):
    from types import SimpleNamespace

    from ft_runtime.config import load_config
    from ft_runtime.data import load_rows
    from ft_runtime.doctor.sources import record_data
    from ft_runtime.findings import subscribed

    path = jsonl(tmp_path / "a.jsonl", PAIRS)
    dataset = {"path": str(path), "format": "jsonl_prompt"}
    config = load_config({"model_id": "m", "dataset": dataset})
    rows, run, shown = load_rows(config), SimpleNamespace(path=tmp_path / "run"), []
    assert record_data(config, run, rows.sources) == tmp_path / "run" / "datasets.json"
    (tmp_path / "run" / "datasets.json").unlink()
    jsonl(path, PAIRS[1:])
    with subscribed(shown.append):
        assert record_data(config, run, rows.sources) is None
    assert [item.code for item in shown] == ["data.changed_since_read"]
    assert not (tmp_path / "run" / "datasets.json").exists()


def test_two_runs_say_whether_they_saw_the_same_data(tmp_path, capsys):
    from ft_runtime.cli import main

    for name, rows in (("one", PAIRS), ("two", PAIRS), ("three", PAIRS[1:])):
        (tmp_path / name).mkdir()
        write_record(tmp_path / name, record_of(tmp_path / f"{name}.jsonl", rows))
    one, two, three = (str(tmp_path / name) for name in ("one", "two", "three"))
    assert main(["check", two, "--against", one]) == 0
    assert "The same 30 rows" in capsys.readouterr().out
    assert main(["check", three, "--against", one, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["diff"]["removed"] == 1
    assert main(["check", one, "--against", str(tmp_path / "none"), "--json"]) == 1
    assert "no_record" in json.loads(capsys.readouterr().out)["findings"][0]["code"]


def test_a_folder_that_is_no_run_is_told_in_json_too(tmp_path, capsys):
    from ft_runtime.cli import main

    assert main(["check", str(tmp_path), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert "no_such_folder" in document["findings"][0]["code"]


@pytest.mark.parametrize(
    ("parts", "splits"),
    [
        ({"train": PAIRS}, [""]),
        ({"default": PAIRS}, [""]),
        ({"train": PAIRS[:20], "validation": PAIRS[20:], "extra": PAIRS}, ["train", "val"]),
    ],
)
def test_a_hub_dataset_is_examined_as_a_run_reads_it(monkeypatch, parts, splits):
    from ft_runtime.config import load_config
    from ft_runtime.data import hub
    from ft_runtime.doctor.sources import sources_of

    monkeypatch.setattr(hub, "_load", lambda *_: parts)
    config = load_config(
        {
            "model_id": "m",
            "dataset": {"source": "hf_dataset_id", "id": "a/b", "format": "jsonl_prompt"},
        }
    )
    with survey(sources_of(config), "jsonl_prompt") as found:
        assert [each.scan.split for each in found.files] == splits
        assert sum(each.scan.fine for each in found.files) == 30
