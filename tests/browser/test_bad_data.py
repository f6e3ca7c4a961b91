"""Bad files and bad text: told as text, with the way out, and nothing that was typed is lost."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from support.browser import notebook, wizard

DRAFT = {"provider": "hf_local", "model_id": "tiny", "seed": 7}
HOSTILE = (
    "<img src=x onerror='window.taken=1'>\"'`{{7*7}}${window.taken=1}{% x %}\\u202e\u202e\r\n--\x00"
)
"""What a text field takes of it; a browser leaves line breaks out."""
LONG = {"ft-revision": 100_000, "ft-dataset-path": 100_000, "ft-seed": 100_000}


@pytest.fixture
def panel(lab, page):
    """The wizard at its data step, without a notebook."""
    wizard.begin_with(page, DRAFT, "data")
    page.goto(lab.address())
    wizard.open_panel(page)
    return wizard.panel(page)


def texts(panel) -> dict[str, str]:
    """Return what the text fields hold, read at once: an answer may fold or unfold some."""
    return panel.locator("input[type=text]").evaluate_all(
        "fields => Object.fromEntries(fields.map(one => [one.id, one.value]))"
    )


def test_a_binary_file_that_is_called_jsonl(lab, page, panel) -> None:
    (lab.root / "binary.jsonl").write_bytes(bytes(range(256)) * 100)
    wizard.fill_data(page, "binary.jsonl")
    finding = panel.locator("[data-code='data.binary_file']")
    expect(finding).to_contain_text("The file is no text")
    expect(finding).to_contain_text("Export the rows as JSON Lines or CSV in UTF-8.")
    assert wizard.draft(page)["dataset"]["path"] == "binary.jsonl"


def test_a_file_that_is_deleted_between_two_steps(lab, page, panel) -> None:
    place = lab.root / "passing.jsonl"
    place.write_text(json.dumps({"prompt": "a", "completion": "b"}) + "\n")
    wizard.fill_data(page, place.name)
    wizard.preview(page)
    place.unlink()
    page.locator("#ft-step-review").click()
    problem = panel.locator(".jp-ft-problem")
    expect(problem).to_contain_text("passing.jsonl")
    page.locator("#ft-step-data").click()
    expect(problem).to_contain_text("passing.jsonl")
    expect(page.locator("#ft-dataset-path")).to_have_value("passing.jsonl")


def test_a_gigabyte_is_refused_and_not_sent(page, panel, tmp_path) -> None:
    with (tmp_path / "large.jsonl").open("wb") as stream:
        stream.truncate(1 << 30)
    sent = []
    page.on("request", lambda one: one.method in ("PUT", "POST") and sent.append(one.url))
    page.locator("#ft-upload-input").set_input_files(tmp_path / "large.jsonl")
    problem = panel.locator(".jp-ft-problem")
    expect(problem).to_contain_text("large.jsonl is too big to upload through the browser.")
    expect(problem).to_contain_text("Copy it into the server’s folder by other means")
    assert not [url for url in sent if "contents" in url or "preview" in url]
    page.locator("#ft-dismiss").click()
    expect(problem).to_have_count(0)
    assert wizard.draft(page) == DRAFT


def test_a_config_of_a_newer_version(lab, page, panel) -> None:
    config = {"schema_version": 99, "model_id": "owner/other", "new_field": 1}
    (lab.root / "newer.json").write_text(json.dumps(config))
    file = page.locator(".jp-DirListing-item").get_by_text("newer.json", exact=True)
    page.locator('.jp-SideBar [data-id="filebrowser"]').click()
    file.click(button="right")
    page.locator(".lm-Menu-item").get_by_text("Generate Notebook", exact=True).click()
    problem = panel.locator(".jp-ft-problem")
    expect(problem).to_contain_text("newer.json cannot be used as a config.")
    expect(problem).to_contain_text("What the wizard held is unchanged.")
    first = problem.locator(".jp-ft-finding").first
    expect(first).to_contain_text("was written for schema version 99")
    expect(first).to_contain_text("pip install --upgrade jupyter-ft")
    assert wizard.draft(page) == DRAFT


def test_hostile_text_in_every_field(page, panel) -> None:
    filled = {}
    for step in ("model", "data", "training", "review"):
        page.locator(f"#ft-step-{step}").click()
        page.locator(f"#ft-advanced-{step}").click()
        expect(panel.locator("details .jp-ft-field").first).to_be_visible()
        for field in texts(panel):
            page.locator(f"#{field}").fill("9" * LONG.get(field, 0) + HOSTILE)
            filled[field] = page.locator(f"#{field}").input_value()
        if step == "model":
            page.locator("#ft-check-model").click()
            expect(wizard.facts(page).locator(".jp-ft-finding")).to_contain_text("{{7*7}}")
    assert len(filled) > 25
    kept = wizard.draft(page)
    expect(panel.locator(".jp-ft-places li").first).to_be_visible()
    wizard.reload(page)
    expect(panel.locator(".jp-ft-places li").first).to_be_visible()
    assert wizard.draft(page) == kept
    for step in ("model", "data", "training", "review"):
        page.locator(f"#ft-step-{step}").click()
        shown = texts(panel)
        assert shown == {field: filled[field] for field in shown}
    expect(panel.locator("img")).to_have_count(0)
    assert page.evaluate("window.taken") is None


def test_hostile_text_that_is_allowed_reaches_the_cells_as_text(lab, page) -> None:
    text = HOSTILE.replace("\r\n", "").replace("\x00", "")
    draft = {
        "model_id": text,
        "dataset": {"path": f"{text}.jsonl", "format": "jsonl_chat"},
        "artifacts": {"output_dir": text},
    }
    wizard.begin_with(page, draft)
    wizard.open_wizard(page, lab.address(lab.make_notebook("allowed.ipynb")))
    wizard.insert(page)
    sources = "\n".join(cell["source"] for cell in notebook.cells(page))
    assert "{{7*7}}" in sources
    expect(page.locator(".jp-NotebookPanel:visible .jp-RenderedMarkdown").first).to_be_visible()
    expect(page.locator(".jp-NotebookPanel:visible .jp-Cell img")).to_have_count(0)
    assert page.evaluate("window.taken") is None
