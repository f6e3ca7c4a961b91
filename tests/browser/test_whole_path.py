"""From opening the sidebar to a trained adapter, by every way that the last step offers."""

from __future__ import annotations

import io
import json
import re
import zipfile

import nbformat
import yaml
from playwright.sync_api import expect

from ft_runtime.config import load_config
from jupyter_ft.builder.bundle import build_bundle
from support.browser import notebook, wizard


def assert_trained(lab, folder: str, cells) -> None:
    assert notebook.errors(cells) == []
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert [one["text"] for one in outputs if one.get("name") == "stderr"] == []
    run = lab.root / folder
    assert json.loads((run / "manifest.json").read_text())["status"] == "finished"
    assert (run / "adapter" / "adapter_model.safetensors").stat().st_size > 0


def test_inserted_cells_run_and_leave_a_trained_adapter(lab, page) -> None:
    name = lab.make_notebook("whole.ipynb")
    wizard.open_wizard(page, lab.address(name))
    wizard.fill_model(page)
    wizard.check_model(page)
    page.locator("#ft-next").click()
    wizard.fill_data(page)
    wizard.preview(page)
    page.locator("#ft-next").click()
    wizard.fill_training(page, output="outputs/inserted")
    expect(page.locator("#ft-memory")).to_contain_text("It fits.")
    wizard.review(page)
    wizard.insert(page, r"Inserted \d+ cells into whole.ipynb")
    assert_trained(lab, "outputs/inserted", notebook.run_all(page))


def test_a_new_notebook_runs_and_leaves_a_trained_adapter(lab, page) -> None:
    wizard.open_wizard(page, lab.address(lab.make_notebook("other.ipynb")))
    wizard.ready_config(page, output="outputs/new")
    wizard.press(page, "#ft-new", r"Made fine_tune(-\d+)?\.ipynb and opened it\.")
    made = re.search(r"fine_tune\S*\.ipynb", page.locator("#ft-outcome").inner_text())[0]
    notebook.wait_for_notebook(page, made)
    notebook.wait_for_kernel(page)
    assert_trained(lab, "outputs/new", notebook.run_all(page))
    assert notebook.generated(nbformat.read(lab.root / "other.ipynb", as_version=4).cells) == []


def test_the_zip_holds_the_bytes_of_the_builder(lab, page) -> None:
    wizard.open_wizard(page, lab.address(lab.make_notebook("zip.ipynb")))
    wizard.ready_config(page)
    shown = yaml.safe_load(wizard.shown_config(page).inner_text())
    with page.expect_download() as download:
        wizard.press(page, "#ft-zip", "Downloaded fine_tune.zip")
    assert download.value.suggested_filename == "fine_tune.zip"
    got = download.value.path().read_bytes()
    with zipfile.ZipFile(io.BytesIO(got)) as archive:
        assert {"fine_tune.ipynb", "config.yaml", "README.md"} <= set(archive.namelist())
        config = yaml.safe_load(archive.read("config.yaml"))
    assert config == shown
    assert got == build_bundle(load_config(config)).to_zip()


def test_a_saved_config_is_the_config_that_is_shown(lab, page) -> None:
    wizard.open_wizard(page, lab.address(lab.make_notebook("save.ipynb")))
    wizard.ready_config(page)
    shown = wizard.shown_config(page).inner_text()
    wizard.press(page, "#ft-save", r"Saved config(-\d+)?\.yaml")
    said = page.locator("#ft-outcome").inner_text()
    path = lab.root / said.removeprefix("Saved ").strip().rstrip(".")
    assert path.read_text().strip() == shown.strip()
    assert load_config(path).model_id == "tiny"
