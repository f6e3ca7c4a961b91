"""The widgets: what is set reaches the config, buttons do what they say."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import ipywidgets
import nbformat
import pytest
import yaml

from ft_runtime.findings import FindingsError, finding
from jupyter_ft import Wizard
from jupyter_ft.services.hub_datasets import HubDatasets
from jupyter_ft.wizard import review

EIGHT = int(ipywidgets.__version__.split(".")[0]) >= 8
ROWS = [{"question": f"<b>What is {n}?</b>", "answer": str(n)} for n in range(30)]
DATA = "".join(
    json.dumps({"prompt": r["question"], "completion": r["answer"]}) + "\n" for r in ROWS
)


@pytest.fixture
def wizard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wizard:
    monkeypatch.chdir(tmp_path)
    # A link makes a shell, and IPython warns where another environment is active in the terminal.
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    return Wizard()


def control(wizard: Wizard, path: str) -> Any:
    steps = (wizard.model_step, wizard.data_step, wizard.training_step, wizard.review_step)
    (found,) = (step.form.controls[path] for step in steps if path in step.form.controls)
    return found


def fill(wizard: Wizard) -> None:
    Path("rows.jsonl").write_text(DATA)
    control(wizard, "model_id").input.value = "owner/model"
    control(wizard, "dataset.path").input.value = "rows.jsonl"
    wizard.data_step.look.click()


def choice(widget: Any, label: str) -> None:
    """Choose what a user reads."""
    widget.value = dict(widget.options)[label]


def choose(upload: Any, name: str, data: bytes) -> None:
    """Set what a browser sets."""
    if EIGHT:
        item = {"name": name, "type": "", "size": len(data), "content": memoryview(data)}
        upload.value = ({**item, "last_modified": __import__("datetime").datetime.now()},)
    else:
        upload.set_trait("value", {name: {"metadata": {"name": name}, "content": data}})


def test_there_are_four_steps_in_order(wizard: Wizard):
    titles = [wizard.widget.get_title(place) for place in range(4)]
    assert titles == ["1. Model", "2. Data", "3. Training", "4. Review"]
    assert len(wizard.widget.children) == 4


def test_every_field_is_labelled_and_explained(wizard: Wizard):
    from jupyter_ft.wizard.fields import fields

    for field in fields():
        one = control(wizard, field.path)
        assert field.title in one.label
        assert field.unit in one.label
        assert one.widget.children[1].children[0].value


def test_the_whole_path_to_a_written_notebook(wizard: Wizard):
    assert wizard.review_step.write.disabled
    assert "model_id" in wizard.review_step.summary.value
    fill(wizard)
    assert wizard.model.given("dataset.format") == "jsonl_prompt"
    rate = control(wizard, "hyperparams.learning_rate")
    rate.input.value = "1e-4"
    assert rate.input.value == "1e-4"
    assert not wizard.review_step.write.disabled
    wizard.review_step.write.click()
    folder = Path("ft-notebook")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["hyperparams"]["learning_rate"] == 1e-4
    assert config["dataset"]["path"] == "../rows.jsonl"
    nbformat.validate(nbformat.read(folder / "fine_tune.ipynb", as_version=4))
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    links = [item["data"]["text/html"] for item in wizard.review_step.links.outputs]
    assert any("fine_tune.ipynb" in link for link in links)
    assert "ft-notebook" in wizard.review_step.said.value


def test_an_edited_file_is_overwritten_only_when_asked(wizard: Wizard):
    fill(wizard)
    Path("ft-notebook").mkdir()
    Path("ft-notebook/README.md").write_text("mine")
    wizard.review_step.write.click()
    assert Path("ft-notebook/README.md").read_text() == "mine"
    assert "README.md" in wizard.review_step.said.value
    wizard.review_step.overwrite.value = True
    wizard.review_step.write.click()
    assert Path("ft-notebook/README.md").read_text() != "mine"


def test_findings_appear_beside_the_field_and_block_the_buttons(wizard: Wizard):
    fill(wizard)
    rate = control(wizard, "hyperparams.learning_rate")
    rate.input.value = "7"
    assert "error" in rate.notes.value
    assert wizard.review_step.insert.disabled
    rate.input.value = ""
    assert rate.notes.value == ""
    assert not wizard.review_step.insert.disabled


def test_fields_that_do_not_apply_are_hidden_and_defaults_follow(wizard: Wizard):
    fill(wizard)
    method = control(wizard, "tune_type").input
    assert control(wizard, "lora.r").widget.layout.display == ""
    assert control(wizard, "qlora.bits").widget.layout.display == "none"
    choice(method, "full")
    assert wizard.model.given("tune_type") == "full"
    assert control(wizard, "lora.r").widget.layout.display == "none"
    assert control(wizard, "hyperparams.learning_rate").input.placeholder == "2e-05"


def test_choices_that_do_not_go_together_are_not_offered_or_marked(wizard: Wizard):
    fill(wizard)
    device = control(wizard, "hw.device").input
    method = control(wizard, "tune_type").input

    def offered() -> list[str]:
        return [label for label, _ in device.options]

    assert "mps" in offered()
    choice(method, "qlora")
    assert "mps" not in offered()
    choice(method, "lora")
    choice(device, "mps")
    choice(method, "qlora")
    assert "mps (does not go with the other settings)" in offered()
    assert wizard.model.given("hw.device") == "mps", "what was chosen stays"
    assert "error" in control(wizard, "hw.device").notes.value
    metrics = control(wizard, "eval.metrics").input
    assert "f1" not in [label for label, _ in metrics.options]
    assert "rouge" in [label for label, _ in metrics.options]


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


def test_a_preset_fills_the_fields(wizard: Wizard):
    wizard.training_step.preset.value = "first_look"
    assert control(wizard, "hyperparams.max_steps").input.value == "20"
    assert wizard.model.config()["lora"] == {"r": 8, "alpha": 16}


def test_the_preview_is_escaped(wizard: Wizard):
    fill(wizard)
    shown = wizard.data_step.rows.value
    assert "&lt;b&gt;What is 0?" in shown
    assert "<b>What" not in shown
    assert "30" in shown


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


HOSTILE = ["~nobody-of-this-name/x", "a\0b", "x" * 5000, "\ud800", "{{x}}", "'; --"]


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


@pytest.mark.parametrize("name", HOSTILE)
def test_a_folder_of_any_name_is_written_or_told(wizard: Wizard, name: str):
    fill(wizard)
    wizard.review_step.folder.value = name
    wizard.review_step.write.click()
    said = wizard.review_step.said.value
    assert "build.cannot_write" in said or (Path(name) / "fine_tune.ipynb").is_file()


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


def test_insert_hands_over_the_cells_and_tells_the_end(wizard: Wizard):
    fill(wizard)
    asked: list[Any] = []
    wizard.review_step._inserter = lambda cells, done: asked.append((cells, done))
    wizard.review_step.insert.click()
    ((cells, done),) = asked
    assert json.loads(json.dumps(cells)) == cells
    assert any(cell["cell_type"] == "code" for cell in cells)
    assert all(cell["metadata"]["jupyter_ft"] for cell in cells)
    assert wizard.review_step.insert.disabled
    done("Inserted them.")
    assert "Inserted them." in wizard.review_step.said.value
    assert not wizard.review_step.insert.disabled
    wizard.review_step.insert.click()
    asked[-1][1](finding("wizard.no_extension"))
    assert "Write notebook" in wizard.review_step.said.value


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


def test_a_key_that_is_no_text_is_told(wizard: Wizard):
    wizard.model.set("hyperparams.lr_scheduler_kwargs", {date(2024, 1, 1): "a"})
    codes = [found["code"] for found in wizard.model.answer["findings"]]
    assert "config.key_not_text" in codes


def test_in_colab_the_files_are_downloaded(wizard: Wizard, monkeypatch: pytest.MonkeyPatch):
    files, got = ModuleType("google.colab.files"), []
    files.download = got.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google.colab.files", files)
    fill(wizard)
    wizard.review_step.write.click()
    assert got == ["ft-notebook.zip"]
    assert Path("ft-notebook.zip").is_file()


def test_without_ipywidgets_a_finding_says_what_to_type(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(FindingsError) as caught:
        Wizard()
    (item,) = caught.value.findings
    assert item.code == "wizard.no_ipywidgets"
    assert "pip install ipywidgets" in item.hint


def test_the_review_uses_the_comm_unless_told_otherwise():
    assert review.Insertion.__module__ == "jupyter_ft.wizard.insert"
