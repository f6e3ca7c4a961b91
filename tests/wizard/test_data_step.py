"""The data: looked at, mapped, rendered, uploaded; none of it trusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_ft import Wizard
from jupyter_ft.services.hub_datasets import HubDatasets
from support.wizards import DATA, ROWS, choose, control, fill

pytest_plugins = ["support.wizard_plugin"]


def test_columns_are_chosen_among_those_of_the_file(wizard: Wizard):
    columns = control(wizard, "dataset.columns")
    assert columns.choices == {}
    assert "format first" in columns.title.value
    wizard.model.apply({"model_id": "owner/model", "dataset": {"format": "jsonl_prompt"}})
    assert list(columns.choices) == ["prompt", "completion"]
    columns.choices["prompt"].value = " typed "
    assert wizard.model.given("dataset.columns") == {"prompt": "typed"}
    wizard.model.set("dataset.columns", None)
    rows = "".join(json.dumps({"completion": "c", "<i>q": "p", "id": n}) + "\n" for n in range(9))
    Path("odd.jsonl").write_text(rows)
    wizard.model.set("dataset.path", "odd.jsonl")
    wizard.data_step.look.click()
    prompt, completion = columns.choices["prompt"], columns.choices["completion"]
    assert [label for label, _ in completion.options] == ["completion", "<i>q", "id"]
    assert [label for label, _ in prompt.options][1:] == ["completion", "<i>q", "id"]
    assert "no column" in prompt.options[0][0]
    prompt.value = "<i>q"
    assert wizard.model.given("dataset.columns") == {"prompt": "<i>q"}
    assert columns.choices["prompt"].value == "<i>q"
    columns.choices["prompt"].value = ""
    assert wizard.model.given("dataset.columns") is None


def test_a_row_is_shown_as_the_model_sees_it(wizard: Wizard, monkeypatch: pytest.MonkeyPatch):
    step, asked = wizard.data_step, []

    def answer(self: Any, module: str, request: Any, *_: Any, **__: Any) -> dict[str, Any]:
        asked.append(request)
        pieces = [("<b>Q", False), ("<b>A", True)]
        segments = [{"text": text, "supervised": learned} for text, learned in pieces]
        return {"segments": segments, "tokens": 7, "supervised_tokens": 3, "findings": []}

    monkeypatch.setattr("jupyter_ft.services.child.Child.ask", answer)
    for told in ("wizard.no_model", "wizard.no_format"):
        step.render.click()
        assert told in step.rendered.value
        wizard.model.set("model_id", "owner/model")
    fill(wizard)
    assert (step.number.min, step.number.max) == (1, 20)
    step.number.value = 3
    step.render.click()
    assert asked[0]["fields"] == {"prompt": "<b>What is 2?</b>", "completion": "2"}
    assert asked[0]["config"]["model_id"] == "owner/model"
    shown = step.rendered.value
    assert "7 tokens, 3 of them supervised" in shown
    assert "&lt;b&gt;A</mark>" in shown
    assert "<b>Q" not in shown
    wizard.model.set("seed", 7)
    assert step.rendered.value == shown
    wizard.model.set("model_id", "owner/other")
    assert step.rendered.value == ""


def test_a_dataset_of_the_hub_is_shown_like_a_file(wizard: Wizard, monkeypatch: pytest.MonkeyPatch):
    step = wizard.data_step
    wizard.model.set("dataset.source", "hf_dataset_id")
    step.look.click()
    assert "wizard.no_id" in step.rows.value
    wizard.model.set("dataset.id", "owner/data")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    step.look.click()
    assert "server.hub_offline" in step.rows.value
    monkeypatch.setattr(HubDatasets, "_describe", lambda *_: None)
    told = {"rows": ROWS, "complete": False, "total": 999, "split": "train", "findings": []}
    told |= {"splits": ["train", "test"], "configs": ["default"]}
    monkeypatch.setattr(HubDatasets, "_rows", lambda *_: told)
    step.look.click()
    shown = step.rows.value
    assert "the first 20 of about 999 rows" in shown
    assert "split train of train, test" in shown
    assert "&lt;b&gt;What is 0?" in shown
    assert wizard.model.given("dataset.format") == "jsonl_prompt"
    assert wizard.model.given("dataset.columns") == {"prompt": "question", "completion": "answer"}
    assert wizard.model.answer["valid"] is False
    wizard.model.set("model_id", "owner/model")
    assert wizard.model.answer["valid"]


def test_the_preview_is_escaped(wizard: Wizard):
    fill(wizard)
    shown = wizard.data_step.rows.value
    assert "&lt;b&gt;What is 0?" in shown
    assert "<b>What" not in shown
    assert "30" in shown


@pytest.mark.parametrize("path", ["nowhere.jsonl", "", "rows.exe", "a\0b.jsonl"])
def test_what_cannot_be_looked_at_is_told(wizard: Wizard, path: str):
    wizard.model.set("dataset.path", path or None)
    wizard.data_step.look.click()
    assert "error" in wizard.data_step.rows.value
    assert not wizard.data_step.look.disabled


def test_an_upload_is_written_only_when_the_user_says_so(wizard: Wizard, tmp_path: Path):
    step = wizard.data_step
    choose(step.upload, "mine.jsonl", DATA.encode())
    assert list(tmp_path.iterdir()) == []
    assert "mine.jsonl" in step.saved.value
    step.save.click()
    assert (tmp_path / "mine.jsonl").read_bytes() == DATA.encode()
    assert wizard.model.given("dataset.path") == "mine.jsonl"
    assert wizard.model.given("dataset.format") == "jsonl_prompt"


@pytest.mark.parametrize("name", ["mine.jsonl", "../out.jsonl", ".hidden.jsonl", "run.sh"])
def test_an_upload_overwrites_nothing_and_stays_here(wizard: Wizard, tmp_path: Path, name: str):
    (tmp_path / "mine.jsonl").write_text("precious")
    choose(wizard.data_step.upload, name, DATA.encode())
    wizard.data_step.save.click()
    assert (tmp_path / "mine.jsonl").read_text() == "precious"
    assert not (tmp_path.parent / "out.jsonl").exists()
    if name != "../out.jsonl":
        assert "error" in wizard.data_step.saved.value
        assert [path.name for path in tmp_path.iterdir()] == ["mine.jsonl"]
