"""How a user fills in the wizard of widgets."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import ipywidgets

from jupyter_ft import Wizard

EIGHT = int(ipywidgets.__version__.split(".")[0]) >= 8
ROWS = [{"question": f"<b>What is {n}?</b>", "answer": str(n)} for n in range(30)]
DATA = "".join(
    json.dumps({"prompt": r["question"], "completion": r["answer"]}) + "\n" for r in ROWS
)
HOSTILE = ["~nobody-of-this-name/x", "a\0b", "x" * 5000, "\ud800", "{{x}}", "'; --"]


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
        upload.value = ({**item, "last_modified": datetime.now()},)
    else:
        upload.set_trait("value", {name: {"metadata": {"name": name}, "content": data}})
