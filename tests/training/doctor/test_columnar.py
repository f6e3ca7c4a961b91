"""Parquet, Arrow and datasets: the same rows as text, by row number, and damage is a finding."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ft_runtime.cli import main
from ft_runtime.config import check_config
from ft_runtime.data import check_rows
from ft_runtime.doctor.containers.zstd import cut_short
from ft_runtime.doctor.examine import examine
from jupyter_ft.services.preview import Limits, preview_file
from support.small_data import ROWS, jsonl


@pytest.fixture
def expected(tmp_path):
    return examine(str(jsonl(tmp_path / "plain.jsonl", ROWS))).fingerprint


def written(path, rows):
    batch = pa.RecordBatch.from_pylist(rows)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_batches([batch]), path)
        return path
    new = pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream
    with pa.OSFile(str(path), "wb") as sink, new(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return path


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.stream", "parquet.jsonl"])
def test_columnar_files_hold_the_same_rows(tmp_path, expected, name):
    path = tmp_path / name
    if name == "parquet.jsonl":
        written(tmp_path / "a.parquet", ROWS).rename(path)
    else:
        written(path, ROWS)
    report = examine(str(path))
    assert report.fingerprint == expected
    assert report.files[0].rows == len(ROWS)


def test_zstd_is_unpacked(tmp_path, expected):
    with pa.CompressedOutputStream(pa.OSFile(str(tmp_path / "a.jsonl.zst"), "wb"), "zstd") as out:
        out.write((tmp_path / "plain.jsonl").read_bytes())
    assert examine(str(tmp_path / "a.jsonl.zst")).fingerprint == expected
    whole = (tmp_path / "a.jsonl.zst").read_bytes()
    (tmp_path / "a.jsonl.zst").write_bytes(whole[: len(whole) // 2])
    assert not examine(str(tmp_path / "a.jsonl.zst")).ok


def test_datasets_are_taken_as_they_are(tmp_path, expected, capsys):
    data = datasets.Dataset.from_list(ROWS)
    assert examine(data).fingerprint == expected
    parts = examine(datasets.DatasetDict(train=data, validation=data))
    assert [scan.split for scan in parts.files] == ["train", "val"]
    assert parts.split.shared_rows == len(ROWS)
    data.save_to_disk(str(tmp_path / "saved"))
    assert main(["check", str(tmp_path / "saved"), "--json"]) == 0
    assert expected in capsys.readouterr().out


def test_classes_are_read_by_their_names(tmp_path, expected):
    names = datasets.ClassLabel(names=["a", "b", "c"])
    data = datasets.Dataset.from_list(ROWS).cast_column("label", names)
    assert examine(data).fingerprint == expected
    data.to_parquet(str(tmp_path / "a.parquet"))
    assert examine(str(tmp_path / "a.parquet")).fingerprint == expected


def test_rows_are_named_by_number(tmp_path):
    rows = [*ROWS, {"text": None, "label": "a"}, {"text": "", "label": "b"}]
    path = written(tmp_path / "a.parquet", rows)
    where = {item.code: item.where for item in examine(str(path)).findings}
    assert where["data.null_field"] == f"{path} row 61 text"
    assert where["data.empty_field"] == f"{path} row 62 text"


def test_conversations_come_through_a_table_of_structs(tmp_path):
    rows = [
        {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
        {"messages": [{"role": "user", "content": "q", "name": "x"}, {"role": "assistant"}]},
    ]
    report = examine(str(written(tmp_path / "a.parquet", rows)))
    assert report.files[0].format == "jsonl_chat"
    assert (report.files[0].fine, report.files[0].broken) == (1, 1)


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.stream"])
def test_a_cut_file_is_a_finding(tmp_path, name):
    path = written(tmp_path / name, ROWS)
    path.write_bytes(path.read_bytes()[:-200])
    report = examine(str(path))
    assert "data.broken_columnar" in {item.code for item in report.findings}


def test_offsets_that_lead_nowhere_do_not_end_the_process(tmp_path):
    offsets = pa.array([0, 1 << 30, 5], pa.int32()).buffers()[1]
    text = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"hello"))
    batch = pa.RecordBatch.from_arrays([text, pa.array(["a", "b"])], ["text", "label"])
    path = tmp_path / "a.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    report = examine(str(path))
    assert "data.broken_columnar" in {item.code for item in report.findings}


def config_for(path, **dataset):
    document = {
        "provider": "hf_local",
        "model_id": "m",
        "dataset": {"path": str(path), "format": "csv_classification", **dataset},
        "eval": {"metrics": ["accuracy"]},
    }
    config, found = check_config(document)
    assert config is not None, found
    return config


@pytest.mark.parametrize("text", [b"", b"a", b"ab" * 40, bytes(300_000), bytes(range(256)) * 2000])
def test_a_zstd_file_that_is_cut_anywhere_is_seen(tmp_path, text):
    path = tmp_path / "a.zst"
    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as out:
        out.write(text)
    once = path.read_bytes()
    for whole in (once, once + once, b"\x50\x2a\x4d\x18\x03\0\0\0abc" + once):
        path.write_bytes(whole)
        assert not cut_short(path)
        ends = {len(whole) - len(once), 11, len(once)} if len(whole) > len(once) else set()
        for left in {*range(1, 40), *range(40, len(whole), len(whole) // 50 + 1), len(whole) - 1}:
            if 0 < left < len(whole) and left not in ends:
                path.write_bytes(whole[:left])
                assert cut_short(path)


def test_zstandard_is_not_trusted_with_a_file_that_is_cut(tmp_path, monkeypatch, expected):
    path = tmp_path / "a.jsonl.zst"
    packed_zstd(path, "\n".join(json.dumps(row) for row in ROWS))
    # It gives what there is of such a file, and says nothing.
    reader = SimpleNamespace(
        open=lambda path: pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
    )
    monkeypatch.setitem(sys.modules, "compression", None)
    monkeypatch.setitem(sys.modules, "zstandard", reader)
    assert examine(str(path)).fingerprint == expected
    path.write_bytes(path.read_bytes()[:-20])
    reader.open = lambda path: io.BytesIO(json.dumps(ROWS[0]).encode())
    assert [item.code for item in examine(str(path)).findings] == ["data.broken_archive"]


def packed_zstd(path, text):
    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as out:
        out.write(text.encode())
    return path


@pytest.mark.parametrize("kind", ["a.parquet", "a.arrow", "a.stream", "a.jsonl.zst", "saved"])
def test_a_run_reads_the_same_rows_from_any_of_them(tmp_path, kind):
    path = tmp_path / kind
    if kind == "saved":
        names = datasets.ClassLabel(names=["a", "b", "c"])
        datasets.Dataset.from_list(ROWS).cast_column("label", names).save_to_disk(str(path))
    elif kind.endswith("zst"):
        packed_zstd(path, jsonl(tmp_path / "plain.jsonl", ROWS).read_text())
    else:
        written(path, ROWS)
    rows, found = check_rows(config_for(path))
    assert rows is not None, found
    assert [row.fields for row in rows.rows] == ROWS
    assert [row.number for row in rows.rows] == list(range(1, len(ROWS) + 1))
    (source,) = rows.sources
    assert (source.rows, len(source.sha256)) == (len(ROWS), 64)


def test_a_broken_row_of_a_table_is_named_by_its_number_by_run_and_check(tmp_path, capsys):
    rows = [*ROWS[:6], {"text": None, "label": "a"}, {"text": " ", "label": "a"}]
    path = written(tmp_path / "a.parquet", rows)
    read, _ = check_rows(config_for(path))
    told = {problem.code: problem.where for row in read.rows for problem in row.problems}
    assert told == {
        "data.null_field": "a.parquet row 7 text",
        "data.empty_field": "a.parquet row 8 text",
    }
    report = examine(str(path))
    seen = {item.code: item.where for item in report.findings if item.code in told}
    assert seen == {code: where.replace("a.parquet", str(path)) for code, where in told.items()}


def test_a_saved_dataset_with_splits_is_used_as_it_came(tmp_path):
    data = datasets.Dataset.from_list(ROWS)
    parts = datasets.DatasetDict(train=data, validation=data.select(range(6)))
    parts.save_to_disk(str(tmp_path / "saved"))
    rows, found = check_rows(config_for(tmp_path / "saved"))
    assert rows is not None, found
    assert {row.split for row in rows.rows} == {"train", "val"}
    assert "data.hub_own_splits" in {item.code for item in found}
    (tmp_path / "saved" / "dataset_dict.json").write_text("{")
    rows, found = check_rows(config_for(tmp_path / "saved"))
    assert rows is None
    assert [item.code for item in found] == ["data.broken_columnar"]


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl.zst"])
def test_the_preview_reads_the_head_of_them(tmp_path, name):
    rows = [{"text": f"text {i}", "label": "xy"[i % 2]} for i in range(5000)]
    path = tmp_path / name
    if name.endswith("zst"):
        packed_zstd(path, jsonl(tmp_path / "plain.jsonl", rows).read_text())
    else:
        written(path, rows)
    whole = preview_file(path, name, None, None, Limits())
    assert (whole["format"], whole["total_rows"]) == ("csv_classification", 5000)
    head = preview_file(path, name, None, None, Limits(head_bytes=20_000))
    assert not head["complete"]
    assert head["rows"] == rows[:20]
    assert head["estimated_rows"] is None
