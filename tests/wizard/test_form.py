"""The form: fields, what is offered, and what is said beside them."""

from __future__ import annotations

from datetime import date

from jupyter_ft import Wizard
from support.wizards import choice, control, fill

pytest_plugins = ["support.wizard_plugin"]


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


def test_a_preset_fills_the_fields(wizard: Wizard):
    wizard.training_step.preset.value = "first_look"
    assert control(wizard, "hyperparams.max_steps").input.value == "20"
    assert wizard.model.config()["lora"] == {"r": 8, "alpha": 16}


def test_a_key_that_is_no_text_is_told(wizard: Wizard):
    wizard.model.set("hyperparams.lr_scheduler_kwargs", {date(2024, 1, 1): "a"})
    codes = [found["code"] for found in wizard.model.answer["findings"]]
    assert "config.key_not_text" in codes
