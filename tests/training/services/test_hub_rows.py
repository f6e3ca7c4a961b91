"""The first rows of datasets on a stand-in hub, read by the library that a run uses."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_ft.services.child import Child
from jupyter_ft.services.hub_datasets import HubDatasets
from jupyter_ft.services.models import HubClient
from jupyter_ft.services.places import Root
from jupyter_ft.services.preview import Limits, preview
from jupyter_ft.services.render import render
from support.hub import Hub, serve

MB = 1 << 20


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    with serve(tmp_path / "hub") as running:
        yield running


def put(hub: Hub, name: str, text: str | bytes) -> None:
    path = hub.root / "datasets/owner/data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def prompts(count: int, size: int = 10) -> list[dict[str, Any]]:
    return [{"prompt": f"p{i}", "completion": "c" * size} for i in range(count)]


def datasets(hub: Hub) -> HubDatasets:
    return HubDatasets(HubClient(hub.url), Child(sys.executable, 120))


def look(hub: Hub, **body: Any) -> dict[str, Any]:
    return preview({"id": "owner/data", **body}, Root(None), Limits(), datasets(hub))


def codes(answer: dict[str, Any]) -> list[str]:
    return [item["code"] for item in answer["findings"]]


def test_lines_with_splits_of_their_own(hub):
    put(hub, "train.jsonl", lines(prompts(25)))
    put(hub, "test.jsonl", lines(prompts(3)))
    answer = look(hub)
    assert answer["rows"] == prompts(20)
    assert (answer["format"], answer["total_rows"], answer["complete"]) == (
        "jsonl_prompt",
        25,
        True,
    )
    assert (answer["hub"]["split"], answer["hub"]["splits"]) == ("train", ["train", "test"])
    assert codes(answer) == ["data.hub_own_splits"]
    assert look(hub, split="test")["total_rows"] == 3
    assert codes(look(hub, split="other")) == ["server.hub_no_split"]


def test_only_the_beginning_of_a_large_file_is_fetched(hub):
    put(hub, "train.jsonl", lines(prompts(60_000, 1000)))
    answer = look(hub)
    assert len(answer["rows"]) == 20
    assert (answer["complete"], answer["total_rows"]) == (False, None)
    assert codes(answer) == ["server.hub_partial"]
    assert hub.sent < 16 * MB


def test_parquet_with_class_numbers_shows_their_names(hub, tmp_path):
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])})
    rows = {"text": [f"t{i}" for i in range(40)], "label": [i % 2 for i in range(40)]}
    Dataset.from_dict(rows, features).to_parquet(tmp_path / "rows.parquet")
    put(hub, "data/train-00000-of-00001.parquet", (tmp_path / "rows.parquet").read_bytes())
    answer = look(hub)
    assert answer["format"] == "csv_classification"
    assert answer["rows"][:2] == [{"text": "t0", "label": "bad"}, {"text": "t1", "label": "good"}]
    assert answer["labels"] == [{"label": "bad", "count": 20}, {"label": "good", "count": 20}]


def test_tables_and_packed_files(hub, tmp_path):
    with open(tmp_path / "rows.csv", "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([["text", "label"], ["a\nb, c", "x"], ["d", "y"]])
    put(hub, "train.csv.gz", gzip.compress((tmp_path / "rows.csv").read_bytes()))
    answer = look(hub)
    assert answer["rows"][0] == {"text": "a\nb, c", "label": "x"}
    assert answer["format"] == "csv_classification"


def test_subsets_are_told_and_chosen(hub):
    put(hub, "README.md", """---
license: mit
configs:
- {config_name: one, data_files: one.jsonl}
- {config_name: two, data_files: two.jsonl}
---
""")  # fmt: skip
    put(hub, "one.jsonl", lines(prompts(1)))
    put(hub, "two.jsonl", lines(prompts(2)))
    assert codes(look(hub)) == ["data.hub_subset"]
    answer = look(hub, config_name="two")
    assert answer["total_rows"] == 2
    assert answer["hub"]["configs"] == ["one", "two"]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"README.md": "nothing here"}, "data.hub_failed"),
        ({"data.py": "import datasets\n"}, "data.hub_script"),
        ({"train.jsonl": '{"a": 1\n{'}, "data.hub_failed"),
        ({"train.jsonl": '{"x": 1, "y": 2}\n'}, "data.unknown_format"),
    ],
    ids=["no data", "a script", "broken", "another format"],
)
def test_what_cannot_be_shown_says_why_and_what_to_do(hub, files, code):
    for name, text in files.items():
        put(hub, name, text)
    answer = look(hub)
    assert code in codes(answer)
    assert all(item["hint"] for item in answer["findings"])


def test_a_row_is_rendered_with_the_template_of_the_model(hub, tiny_causal_dir):
    put(
        hub, "train.jsonl", lines([{"instruction": f"Say {i}", "output": f"{i}"} for i in range(5)])
    )
    asked = {"id": "owner/data", "format": "jsonl_instr", "row": 2, "columns": {}}
    model = {"provider": "hf_local", "model_id": tiny_causal_dir.name}
    source = datasets(hub)
    root = Root(tiny_causal_dir.parent, allow_hidden=True)
    answer = render({**asked, **model}, root, Limits(), source.child, source)
    learned = "".join(item["text"] for item in answer["segments"] if item["supervised"])
    assert learned.startswith("2")
    assert "Say 2" in "".join(item["text"] for item in answer["segments"])
    answer = render({**asked, **model, "row": 5}, root, Limits(), source.child, source)
    assert codes(answer) == ["server.no_such_row"]
    missing = {**asked, **model, "id": "owner/none"}
    assert codes(render(missing, root, Limits(), source.child, source)) == ["data.hub_missing"]
