"""Rows on their way into Arrow, in memory and in files."""

from __future__ import annotations

import hashlib

from datasets import Dataset, Features, List, Value

from ft_runtime.tokens.prepared import IGNORED
from ft_runtime.tokens.table import Table


def test_a_table_gives_back_its_rows_and_takes_few_bytes_a_token():
    rows = [(1, [5, 6, 7], [IGNORED, 6, 7]), (4, [8], [8]), (9, list(range(50_000)), [3] * 50_000)]
    table = Table(classes=False)
    for row in rows:
        table.add(*row)
    assert len(table) == 3
    expected = Dataset.from_dict(
        dict(zip(("row", "input_ids", "labels"), zip(*rows, strict=True), strict=True))
    )
    made = table.dataset()
    assert made.features == Features(
        input_ids=List(Value("int32")), labels=List(Value("int64")), row=Value("int64")
    )
    assert made.to_list() == expected.to_list()
    assert made.data.nbytes < 13 * 50_010

    flat = [number for _, ids, labels in rows for number in (len(ids), *ids, *labels)]
    wanted = hashlib.sha256(b"".join(number.to_bytes(8, "little", signed=True) for number in flat))
    assert table.digest() == wanted.hexdigest()


def test_a_table_of_classes_and_an_empty_one():
    table = Table(classes=True)
    assert len(table.dataset()) == 0
    table = Table(classes=True)
    table.add(2, [1, 2], 1)
    assert table.dataset().to_list() == [{"input_ids": [1, 2], "labels": 1, "row": 2}]
    assert Table(classes=False).dataset().to_list() == []


def test_a_table_in_a_file_is_the_table_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("ft_runtime.tokens.table._BLOCK", 8)
    tables = [Table(classes=False), Table(classes=False, path=tmp_path / "rows.arrow")]
    for table in tables:
        for row in range(1, 40):
            table.learn(row, list(range(row % 5 + 2)), [(1, row % 5 + 1)])
        table.close()
    in_memory, in_file = (table.dataset() for table in tables)
    assert in_memory.data.num_rows == 39
    assert in_file.to_list() == in_memory.to_list()
    assert in_file[7] == {"input_ids": [0, 1, 2, 3, 4], "labels": [-100, 1, 2, 3, -100], "row": 8}
    assert in_file.cache_files == [{"filename": str(tmp_path / "rows.arrow")}]
    assert tables[0].digest() == tables[1].digest()
