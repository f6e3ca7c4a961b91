"""A wheel installed elsewhere does what the checkout does."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from support.commands import ROOT, run

CONFIG = """
provider: hf_hub
model_id: owner/model
dataset: {path: rows.jsonl, format: jsonl_prompt}
"""


def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_runtime_wheel_holds_the_package_the_schema_and_the_catalogue(wheels: dict[str, Path]):
    held = {name for name in names(wheels["ft_runtime"]) if ".dist-info/" not in name}
    sources = {
        f"ft_runtime/{path.relative_to(ROOT / 'ft_runtime')}"
        for path in (ROOT / "ft_runtime").rglob("*.py")
    }
    sources = {name for name in sources if not name.endswith("hatch_build.py")}
    messages = {
        f"ft_runtime/messages/en/{path.name}"
        for path in (ROOT / "ft_runtime/messages/en").glob("*.json")
    }
    assert held == sources | messages | {
        "ft_runtime/schemas/config.schema.json",
        "ft_runtime/py.typed",
    }


def test_the_builder_wheel_holds_templates_and_examples(wheels: dict[str, Path]):
    held = names(wheels["jupyter_ft"])
    for folder in ("templates", "examples"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"jupyter_ft/{path.relative_to(ROOT)}" in held


def test_nothing_of_the_checkout_is_named_in_the_wheels(wheels: dict[str, Path]):
    for wheel in wheels.values():
        archive = zipfile.ZipFile(wheel)
        for name in archive.namelist():
            assert str(ROOT).encode() not in archive.read(name), name


def test_a_fresh_environment_has_no_heavy_library(elsewhere: Path):
    listed = json.loads(
        run(elsewhere / "bin/python", "-m", "pip", "list", "--format=json", cwd=elsewhere)
    )
    installed = {package["name"].lower() for package in listed}
    assert installed.isdisjoint({"torch", "transformers", "datasets", "pyarrow", "pandas"})
    assert {"jupyter-ft", "ft-runtime"} <= installed


def test_generate_and_check_work_without_torch(elsewhere: Path, tmp_path: Path):
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "rows.jsonl").write_text('{"prompt": "a", "completion": "b"}\n' * 3)
    run(elsewhere / "bin/jupyter", "ft", "generate", "config.yaml", "-o", "here", cwd=tmp_path)
    notebook = json.loads((tmp_path / "here/fine_tune.ipynb").read_text())
    assert notebook["cells"]
    assert run(elsewhere / "bin/jupyter-ft", "check", "config.yaml", "--json", cwd=tmp_path)


def test_the_installed_builder_gives_the_bytes_of_the_checkout(elsewhere: Path, tmp_path: Path):
    from ft_runtime.config import load_config, parse_text
    from jupyter_ft.builder import build_bundle

    (tmp_path / "config.yaml").write_text(CONFIG)
    run(elsewhere / "bin/jupyter-ft", "generate", "config.yaml", "-o", "made", cwd=tmp_path)
    for name, content in build_bundle(load_config(parse_text(CONFIG))).files.items():
        assert (tmp_path / "made" / name).read_bytes() == content, name


@pytest.mark.parametrize(
    "command",
    [["jupyter-ft", "--help"], ["ft-runtime", "--help"], ["python", "-m", "ft_runtime", "--help"]],
)
def test_every_command_answers(elsewhere: Path, tmp_path: Path, command: list[str]):
    assert "usage" in run(elsewhere / "bin" / command[0], *command[1:], cwd=tmp_path).lower()
