"""What the steps are asked: answered, told as findings, and gone with what was asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_ft import Wizard
from support.wizards import HOSTILE, fill

pytest_plugins = ["support.wizard_plugin"]


def test_the_estimate_knows_the_rows_that_were_seen(wizard: Wizard, tmp_path: Path):
    make = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "vocab_size": 100}
    make |= {"num_attention_heads": 4, "num_hidden_layers": 2}
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text(json.dumps(make))
    fill(wizard)
    wizard.model.apply({"provider": "hf_local", "model_id": "model", "hw": {"device": "cpu"}})
    wizard.training_step.estimate.click()
    assert "of memory" in wizard.training_step.memory.value
    assert "of training" in wizard.training_step.memory.value
    wizard.model.seen = None
    wizard.training_step.estimate.click()
    assert "of training" not in wizard.training_step.memory.value


def test_answers_vanish_with_what_was_asked(wizard: Wizard, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    fill(wizard)
    model_step, data_step, training_step = (
        wizard.model_step,
        wizard.data_step,
        wizard.training_step,
    )
    model_step.check.click()
    training_step.estimate.click()
    data_step.rendered.value = "row 1"
    assert model_step.facts.value
    assert training_step.memory.value
    wizard.model.set("hyperparams.num_epochs", 2)
    assert model_step.facts.value
    assert data_step.rows.value
    assert data_step.rendered.value
    assert not training_step.memory.value
    data_step.number.value = 2
    assert not data_step.rendered.value
    wizard.model.set("model_id", "owner/other")
    assert not model_step.facts.value
    assert data_step.rows.value
    wizard.model.set("dataset.path", "others.jsonl")
    assert not data_step.rows.value
    assert wizard.model.seen is None


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_told_as_findings(
    wizard: Wizard, monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    wizard.model.apply({"dataset": {"path": f"{name}.jsonl", "format": "jsonl_prompt"}})
    wizard.model.apply({"provider": "hf_local", "model_id": name})
    steps = (wizard.model_step.check, wizard.data_step.look, wizard.training_step.estimate)
    for button in (*steps, wizard.data_step.render):
        button.click()
    places = (wizard.model_step.facts, wizard.data_step.rows, wizard.training_step.memory)
    for place in (*places, wizard.data_step.rendered):
        assert "error" in place.value


def test_a_local_model_is_described_in_place(wizard: Wizard, tmp_path: Path):
    (tmp_path / "model").mkdir()
    document = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    (tmp_path / "model" / "config.json").write_text(json.dumps(document))
    wizard.model.apply({"provider": "hf_local", "model_id": "model"})
    wizard.model_step.check.click()
    assert "LlamaForCausalLM" in wizard.model_step.facts.value
    wizard.model.set("model_id", "nowhere")
    wizard.model_step.check.click()
    assert "error" in wizard.model_step.facts.value


def test_questions_without_an_answer_are_findings(wizard: Wizard, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    wizard.model_step.check.click()
    assert "wizard.no_model" in wizard.model_step.facts.value
    wizard.training_step.estimate.click()
    assert "error" in wizard.training_step.memory.value
