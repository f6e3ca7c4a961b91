"""A model and a dataset of a hub, from the first look to a trained adapter."""

from __future__ import annotations

import json
import shutil

import pytest
from playwright.sync_api import expect

from support.browser import notebook, wizard
from support.browser.lab import EXAMPLES, new_lab, serving
from support.hub import SETTINGS, serve


@pytest.fixture
def hub(tmp_path, tiny_causal_dir):
    """A stand-in hub with one model and one dataset."""
    root = tmp_path / "hub"
    shutil.copytree(tiny_causal_dir, root / "owner" / "model")
    data = root / "datasets" / "owner" / "data"
    data.mkdir(parents=True)
    rows = map(json.loads, (EXAMPLES / "text_to_sql.jsonl").read_text().splitlines())
    renamed = [{"question": row["prompt"], "sql": row["completion"]} for row in rows]
    (data / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in renamed))
    (data / SETTINGS).write_text(json.dumps({"card": {"license": "mit"}}))
    with serve(root) as running:
        yield running


@pytest.fixture
def served(tmp_path, tiny_causal_dir, hub):
    (tmp_path / "root").mkdir()
    lab = new_lab(tmp_path / "root", tiny_causal_dir)
    home = str(tmp_path / "hf")
    with serving(lab, HF_ENDPOINT=hub.url, HF_HOME=home, HF_HUB_OFFLINE="0"):
        yield lab


def test_a_model_and_a_dataset_of_the_hub_are_shown_and_trained_on(served, hub, page) -> None:
    wizard.open_wizard(page, served.address(served.make_notebook("hub.ipynb")))
    page.locator("#ft-provider").select_option(label="hf_hub")
    page.locator("#ft-model_id").fill("owner/model")
    wizard.check_model(page)
    page.locator("#ft-step-data").click()
    page.locator("#ft-dataset-source").select_option(label="hf_dataset_id")
    page.locator("#ft-dataset-id").fill("owner/data")
    expect(wizard.preview(page).locator("tbody tr")).to_have_count(20)
    told = page.locator("#ft-hub-facts")
    expect(told).to_contain_text("licence mit")
    expect(told).to_contain_text(f"commit {hub.commit('datasets/owner/data')[:12]}")
    page.locator("#ft-use-mapping").click()
    page.locator("#ft-render").click()
    expect(page.locator("#ft-rendered-text mark").first).to_be_visible()
    wizard.fill_training(page, output="outputs/hub")
    wizard.review(page)
    wizard.insert(page)
    assert notebook.errors(notebook.run_all(page)) == []
    run = served.root / "outputs" / "hub"
    assert json.loads((run / "manifest.json").read_text())["status"] == "finished"
    assert (run / "adapter" / "adapter_model.safetensors").stat().st_size > 0
