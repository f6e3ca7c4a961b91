"""Parquet, Arrow and datasets: the same rows as text, by row number, and damage is a finding."""

from __future__ import annotations

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ft_runtime.cli import main
from ft_runtime.doctor.examine import examine
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
    assert where["doctor.null_field"] == f"{path} row 61 text"
    assert where["doctor.empty_field"] == f"{path} row 62 text"


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
    assert "doctor_report.broken_columnar" in {item.code for item in report.findings}


def test_offsets_that_lead_nowhere_do_not_end_the_process(tmp_path):
    offsets = pa.array([0, 1 << 30, 5], pa.int32()).buffers()[1]
    text = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"hello"))
    batch = pa.RecordBatch.from_arrays([text, pa.array(["a", "b"])], ["text", "label"])
    path = tmp_path / "a.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    report = examine(str(path))
    assert "doctor_report.broken_columnar" in {item.code for item in report.findings}
