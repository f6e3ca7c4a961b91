"""The state of the wizard, and the reading of what is typed; needs no widget."""

from __future__ import annotations

import pytest

from jupyter_ft.wizard.fields import STEPS, fields
from jupyter_ft.wizard.html import findings_html, table_html
from jupyter_ft.wizard.model import WizardModel, read_typed, show_typed
from jupyter_ft.wizard.toolkit import uploaded
from support.configs import make_config

FIELDS = {field.path: field for field in fields()}


def test_every_field_of_the_schema_has_a_step_a_title_and_help():
    assert {"model_id", "dataset.path", "hyperparams.learning_rate"} <= set(FIELDS)
    for field in FIELDS.values():
        assert field.step in STEPS
        assert field.title
        assert field.help


def test_help_tells_unit_range_and_default():
    said = FIELDS["hyperparams.max_seq_len"].help
    assert "tokens" in said
    assert "8" in said
    assert "1048576" in said
    assert "1024" in said


@pytest.mark.parametrize(
    ("path", "typed", "value"),
    [
        ("hyperparams.learning_rate", "2e-4", 2e-4),
        ("hyperparams.learning_rate", "fast", "fast"),
        ("hyperparams.learning_rate", "", None),
        ("hyperparams.batch_size_train", "auto", "auto"),
        ("hyperparams.batch_size_train", " 4 ", 4),
        ("lora.target_modules", "[q_proj, v_proj]", ["q_proj", "v_proj"]),
        ("lora.target_modules", "all-linear", "all-linear"),
        ("hyperparams.lr_scheduler_kwargs", "{a: 1}", {"a": 1}),
        ("hyperparams.lr_scheduler_kwargs", "{a: ", "{a:"),
        ("dataset.path", "C: rows.jsonl", "C: rows.jsonl"),
        ("dataset.path", "{train: a.jsonl}", {"train": "a.jsonl"}),
    ],
)
def test_what_is_typed_is_read_or_kept_for_the_check(path: str, typed: str, value: object):
    assert read_typed(FIELDS[path], typed) == value
    if value is not None:
        assert read_typed(FIELDS[path], show_typed(value)) == value


def test_what_a_rule_hides_comes_back_unharmed():
    model = WizardModel(make_config(lora={"r": 4}))
    assert model.answer["valid"]
    model.set("tune_type", "full")
    assert model.is_hidden("lora.r")
    assert "lora" not in model.config()
    assert model.answer["valid"]
    assert model.value("hyperparams.learning_rate") == 2e-5
    model.set("tune_type", "lora")
    assert model.config()["lora"] == {"r": 4}


def test_findings_stand_beside_their_field():
    model = WizardModel(make_config())
    model.set("hyperparams.learning_rate", "fast")
    assert not model.answer["valid"]
    assert [item["code"] for item in model.findings("hyperparams.learning_rate")]
    assert model.findings("hyperparams.num_epochs") == []


def test_what_the_rules_leave_is_offered():
    model = WizardModel(make_config("qlora"))
    device, start = FIELDS["hw.device"], FIELDS["lora.init_lora_weights"]
    assert not model.offers(device, "mps")
    assert model.offers(device, "cuda")
    assert not model.offers(start, "pissa")
    model.set("tune_type", "lora")
    assert model.offers(device, "mps")
    assert model.offers(start, "pissa")
    metrics = FIELDS["eval.metrics"]
    assert (model.offers(metrics, "rouge"), model.offers(metrics, "f1")) == (True, False)
    assert model.names("dataset.columns") == ["prompt", "completion"]
    model.set("dataset.format", "csv_classification")
    assert (model.offers(metrics, "rouge"), model.offers(metrics, "f1")) == (False, True)
    assert model.names("dataset.columns") == ["text", "label"]
    assert WizardModel().names("dataset.columns") == []


def test_every_option_that_is_not_offered_is_an_error_and_every_other_is_none():
    """What is offered and what the check says come from the same rules."""
    for method in ("full", "lora", "qlora"):
        for field in FIELDS.values():
            model = WizardModel(make_config(method))
            for option in field.options if field.kind == "choice" else ():
                if field.path in ("dataset.source", "dataset.format", "tune_type", "provider"):
                    continue  # other fields follow these
                offered = model.offers(field, option)
                changed = WizardModel(make_config(method))
                changed.set(field.path, option)
                if not changed.is_hidden(field.path):
                    assert offered == changed.answer["valid"], (method, field.path, option)


def test_a_change_is_told_once_and_a_repetition_not():
    model, told = WizardModel(), []
    model.observe(lambda: told.append(model.value("seed")))
    model.set("seed", 7)
    model.set("seed", 7)
    model.set("seed", None)
    assert told == [7, 42]


def test_odd_documents_are_findings_too():
    for odd in ({"lora": 3}, {"dataset": ["x"]}, {"nonsense": {"a": 1}}):
        assert not WizardModel(odd).answer["valid"]


def test_uploads_of_both_versions_are_read():
    seven = {"a.csv": {"metadata": {"name": "a.csv"}, "content": b"x"}}
    eight = ({"name": "a.csv", "content": memoryview(b"x")},)
    assert uploaded(seven) == uploaded(eight) == [("a.csv", b"x")]
    assert uploaded({}) == uploaded(()) == []


def test_nothing_of_a_row_or_finding_reaches_the_page_unescaped():
    evil = "<script>alert('x')</script>"
    item = {"code": evil, "severity": "error", "where": evil, "message": evil, "hint": evil}
    shown = table_html([evil], [{evil: evil}, {evil: [evil]}]) + findings_html([item], places=True)
    assert "<script" not in shown
