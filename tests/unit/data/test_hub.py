"""Datasets of the hub, without a hub: what `load_dataset` gives, and what it may raise."""

from __future__ import annotations

import hashlib
import json
import sys
import types
from typing import Any

import pytest

from ft_runtime.config import check_config
from ft_runtime.data import check_rows, check_splits
from ft_runtime.data.hub import explain, fingerprint

SHA = "87ecf163bedca9d80598b528940a9c4f99e14c11"


class Part(list):
    """As much of `datasets.Dataset` as is used."""

    features: dict[str, Any] = {}

    def __init__(self, rows, **features):
        super().__init__(dict(row) for row in rows)
        self.features = features
        url = f"hf://datasets/owner/name@{SHA}/data/train.parquet"
        self.info = types.SimpleNamespace(download_checksums={url: {}})


class ClassLabel:
    def __init__(self, *names: str) -> None:
        self.names = names

    def int2str(self, value: int) -> str:
        return self.names[value]


@pytest.fixture
def hub(monkeypatch):
    """Pretend that the hub has one dataset, or raises one error; return what was asked of it."""

    def offer(answer):
        asked: list[Any] = []

        def load_dataset(*args, **kwargs):
            asked.append((args, kwargs))
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setitem(
            sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset)
        )
        return asked

    return offer


def config(format="jsonl_prompt", id="owner/name", **dataset):
    document = {
        "provider": "hf_local",
        "model_id": "model",
        "tune_type": "lora",
        "dataset": {"source": "hf_dataset_id", "id": id, "format": format, **dataset},
    }
    config, found = check_config(document)
    assert config is not None, found
    return config


def prompts(*numbers):
    return Part({"prompt": f"p{n}", "completion": f"c{n}"} for n in numbers)


def test_rows_are_checked_like_those_of_a_file(hub):
    bad = {"prompt": None, "completion": "c"}
    asked = hub({"train": Part([*prompts(*range(9)), bad])})
    rows, found = check_rows(config(config_name="sub", revision="main"))
    assert asked == [(("owner/name", "sub"), {"revision": "main"})]
    assert [row.usable for row in rows.rows] == [True] * 9 + [False]
    last = rows.rows[9]
    assert (last.number, last.source, last.line, last.split) == (10, "owner/name/train", 0, None)
    assert last.problems[0].where == "owner/name/train row 10 prompt"
    assert [item.where for item in found] == ["owner/name/train row 10"]
    source = rows.sources[0]
    assert (source.path, source.revision, source.rows) == ("owner/name", SHA, 10)
    splits, _ = check_splits(rows, config())
    assert (len(splits.train), splits.strategy) == (8, "random")


def test_its_own_splits_are_used_and_that_is_told(hub):
    hub({"test": prompts(5), "train": prompts(1, 2), "validation": prompts(3), "extra": prompts(9)})
    rows, found = check_rows(config())
    assert [(row.number, row.source, row.split) for row in rows.rows] == [
        (1, "owner/name/train", "train"),
        (2, "owner/name/train", "train"),
        (3, "owner/name/validation", "val"),
        (4, "owner/name/test", "test"),
    ]
    assert [item.code for item in found] == ["data.hub_unused_splits", "data.hub_own_splits"]
    splits, _ = check_splits(rows, config())
    assert [len(part) for part in splits.by_name().values()] == [2, 1, 1]


def test_a_single_split_of_any_name_is_split(hub):
    hub({"everything": prompts(*range(10))})
    rows, found = check_rows(config())
    assert found == []
    assert {row.split for row in rows.rows} == {None}


def test_no_train_split_is_an_error_that_names_what_there_is(hub):
    hub({"sft": prompts(1), "dpo": prompts(2)})
    _, found = check_rows(config())
    assert found[0].code == "data.hub_no_train"
    assert "sft, dpo" in found[0].message


def test_class_numbers_become_their_names(hub):
    rows = [{"text": "a", "label": 0}, {"text": "b", "label": 1}, {"text": "c", "label": -1}]
    hub({"train": Part(rows, text="string", label=ClassLabel("neg", "pos"))})
    loaded, _ = check_rows(config("csv_classification"))
    assert loaded.label_names == ["neg", "pos"]
    assert [problem.code for problem in loaded.rows[2].problems] == ["data.null_field"]


def test_the_fingerprint_is_of_the_rows_in_order(hub):
    rows = [{"prompt": "p", "completion": "č"}, {"prompt": "q", "completion": "d"}]
    lines = "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows)
    assert fingerprint(rows) == hashlib.sha256(lines.encode()).hexdigest()
    assert fingerprint(dict(reversed(row.items())) for row in rows) == fingerprint(rows)
    assert fingerprint(reversed(rows)) != fingerprint(rows)
    hub({"train": Part(rows)})
    assert check_rows(config())[0].sources[0].sha256 == fingerprint(rows)


def test_missing_columns_name_the_mapping(hub):
    hub({"train": Part([{"id": "1", "dialogue": "d", "summary": "s"}])})
    _, found = check_rows(config("jsonl_instr"))
    assert found[0].code == "data.missing_columns"
    assert "{instruction: dialogue, output: summary}" in found[0].hint


def test_a_folder_of_that_name_is_never_read_instead(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "samsum").mkdir()
    asked = hub({"train": prompts(1)})
    for id in ("samsum", "./samsum", "/etc", "~/x"):
        _, found = check_rows(config(id=id))
        assert [item.code for item in found] == ["data.hub_id_is_folder"]
    assert asked == []


def named(name: str, text: str, base: type[Exception] = Exception) -> Exception:
    return type(name, (base,), {})(text)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


RAISED = {
    "missing": (named("DatasetNotFoundError", "Dataset 'owner/name' doesn't exist on the Hub or cannot be accessed.", FileNotFoundError), "data.hub_missing"),
    "bad id": (named("HFValidationError", "Repo id must use alphanumeric chars", ValueError), "data.hub_missing"),
    "gated": (caused(named("DatasetNotFoundError", "Dataset 'owner/name' is a gated dataset on the Hub."), named("GatedRepoError", "401")), "data.hub_gated"),
    "revision": (named("DatasetNotFoundError", "Revision 'v9' doesn't exist for dataset 'owner/name' on the Hub."), "data.hub_revision"),
    "script": (RuntimeError("Dataset scripts are no longer supported, but found samsum.py"), "data.hub_script"),
    "subset": (ValueError("BuilderConfig 'x' not found. Available: ['a', 'b']"), "data.hub_subset"),
    "no subset": (ValueError("Config name is missing.\nPlease pick one among the available configs: ['a']"), "data.hub_subset"),
    "no network": (ConnectionError("Couldn't reach 'owner/name' on the Hub (ConnectError)"), "data.hub_offline"),
    "offline": (named("OfflineModeIsEnabled", "offline", ConnectionError), "data.hub_offline"),
    "time out": (caused(RuntimeError("failed"), TimeoutError("read")), "data.hub_offline"),
    "a bug": (KeyError("x"), "data.hub_failed"),
    "no words": (ValueError(), "data.hub_failed"),
}  # fmt: skip


@pytest.mark.parametrize("case", RAISED)
def test_errors_of_the_hub_are_findings(case, hub):
    error, code = RAISED[case]
    hub(error)
    rows, found = check_rows(config())
    assert rows is None
    assert [item.code for item in found] == [code]
    assert found[0].hint


def test_errors_of_the_http_client_in_use_are_known():
    import httpx2

    error = caused(OSError("x"), httpx2.ConnectError("refused"))
    assert explain(error, "a/b", None, None).code == "data.hub_offline"


def test_an_error_in_a_row_is_a_finding_too(hub):
    class Broken(Part):
        def __iter__(self):
            yield {"prompt": "p", "completion": "c"}
            raise ValueError("cannot decode image")

    hub({"train": Broken([])})
    _, found = check_rows(config())
    assert [item.code for item in found] == ["data.hub_failed"]


def test_without_the_library_there_is_a_finding(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    _, found = check_rows(config())
    assert [item.code for item in found] == ["data.hub_library"]


def test_what_the_library_itself_hands_out_is_read(monkeypatch):
    """The real `datasets`, with its class labels, on rows made in memory."""
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])}
    )
    columns = {"text": ["a", "b", "c", "d"], "label": [0, 1, -1, 1]}
    train = datasets.Dataset.from_dict(columns, features=features)
    monkeypatch.setattr(
        datasets, "load_dataset", lambda *_a, **_k: datasets.DatasetDict(train=train)
    )
    rows, _ = check_rows(config("csv_classification"))
    assert [(row.fields["text"], row.fields["label"]) for row in rows.usable] == [
        ("a", "neg"),
        ("b", "pos"),
        ("d", "pos"),
    ]
    assert rows.sources[0].revision is None
