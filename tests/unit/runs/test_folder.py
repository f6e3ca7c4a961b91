"""Events, metrics and pins of an open run."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ft_runtime import findings
from ft_runtime.findings import FindingsError, finding, notify
from ft_runtime.runs import resume, start_run
from ft_runtime.runs.checkpoints import Checkpoint


def lines(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_warnings_land_in_events_until_the_run_is_closed(make_config):
    run = start_run(make_config())
    notify(finding("run.checkpoint_unverified", where="here", reason="torn"))
    run.close()
    notify(finding("run.checkpoint_unverified", where="there", reason="torn"))
    warned = [line for line in lines(run.path / "events.jsonl") if line["event"] == "warning"]
    assert [line["where"] for line in warned] == ["here"]
    assert warned[0]["code"] == "run.checkpoint_unverified"
    assert warned[0]["message"]
    assert findings._sinks == []


def test_a_pin_is_recorded_once_and_the_same_value_passes(make_config):
    run = start_run(make_config())
    run.pin("data", {"sha256": "abc", "rows": (1, 2)})
    run.pin("data", {"sha256": "abc", "rows": [1, 2]})
    manifest = json.loads((run.path / "manifest.json").read_text())
    assert manifest["pinned"]["data"] == {"sha256": "abc", "rows": [1, 2]}


def test_before_the_first_checkpoint_a_pin_may_change(make_config):
    run = start_run(make_config())
    run.pin("data", "old")
    run.pin("data", "new")
    assert run.manifest["pinned"]["data"] == "new"


@pytest.mark.parametrize("kind", ["data", "splits", "model", "tokenizer", "arguments", "labels"])
def test_after_a_checkpoint_a_pin_insists_and_names_what_differs(make_config, tmp_path, kind):
    run = start_run(make_config())
    run.pin(kind, {"files": {"train.jsonl": "aaa", "test.jsonl": "bbb"}, "rows": 10})
    run.checkpoint = Checkpoint(tmp_path, 5)
    with pytest.raises(FindingsError) as error:
        run.pin(kind, {"files": {"train.jsonl": "ccc", "test.jsonl": "bbb"}, "new": True})
    found = {item.where: item.message for item in error.value.findings}
    assert set(found) == {"files.train.jsonl", "rows", "new"}
    assert '"aaa"' in found["files.train.jsonl"]
    assert '"ccc"' in found["files.train.jsonl"]
    assert "got nothing" in found["rows"]
    assert run.manifest["pinned"][kind]["rows"] == 10


def test_rewinding_drops_the_metrics_that_will_be_written_again(make_config):
    run = start_run(make_config())
    for step in (1, 5, 10, 15):
        run.metric({"step": step, "loss": 1.0 / step})
    with open(run.path / "metrics.jsonl", "a") as stream:
        stream.write('{"step": 2')
    assert run.rewind(10) == 2
    assert [line["step"] for line in lines(run.path / "metrics.jsonl")] == [1, 5, 10]
    assert run.rewind(10) == 0


def test_what_json_has_no_word_for_is_written_as_null(make_config, tmp_path):
    run = start_run(make_config())
    values = {"loss": float("nan"), "norm": float("inf"), "rows": (1, 2), "path": tmp_path}
    run.metric({"step": 1, **values})
    run.update(training=values)
    expected = {"loss": None, "norm": None, "rows": [1, 2], "path": str(tmp_path)}
    strict = {"parse_constant": lambda word: pytest.fail(word)}
    line = json.loads((run.path / "metrics.jsonl").read_text(), **strict)
    manifest = json.loads((run.path / "manifest.json").read_text(), **strict)
    assert {name: line[name] for name in expected} == expected
    assert manifest["training"] == expected


def test_a_line_after_a_torn_one_stays_readable(make_config):
    run = start_run(make_config())
    with open(run.path / "events.jsonl", "a") as stream:
        stream.write('{"event": "che')
    run.event("epoch", epoch=1)
    assert json.loads((run.path / "events.jsonl").read_text().splitlines()[-1])["epoch"] == 1


def test_a_folder_that_cannot_be_written_is_a_finding(make_config):
    run = start_run(make_config())
    (run.path / "events.jsonl").unlink()
    (run.path / "events.jsonl").mkdir()
    with pytest.raises(FindingsError) as error:
        run.event("epoch", epoch=1)
    assert [item.code for item in error.value.findings] == ["run.cannot_write"]
    run.end("failed")  # the reason for the end must not be hidden by a second error
    assert run.status == "failed"
    with pytest.raises(FindingsError):
        run.end("finished")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KeyboardInterrupt(), {"status": "interrupted"}),
        (RuntimeError("bang"), {"status": "failed", "reason": "RuntimeError: bang"}),
    ],
)
def test_the_end_of_a_run_is_told(make_config, error, expected):
    run = start_run(make_config())
    run.end_with(error)
    last = lines(run.path / "events.jsonl")[-1]
    assert {key: last[key] for key in expected} == expected
    assert last["event"] == "ended"
    assert json.loads((run.path / "manifest.json").read_text())["status"] == expected["status"]


def test_a_run_introduces_itself(make_config, tmp_path):
    run = start_run(make_config())
    run.checkpoint = Checkpoint(tmp_path, 5)
    assert repr(run) == f"Run in {run.path}: running\n  newest verified checkpoint: step 5"


plain = st.recursive(
    st.none() | st.booleans() | st.integers(2, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(before=plain, after=plain)
def test_two_values_differ_exactly_when_a_difference_is_named(before, after):
    found = resume.pin_differences("data", before, after, "folder")
    assert bool(found) == (before != after)
