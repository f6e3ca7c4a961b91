"""The documentation tells of what exists: fields, findings, files; its examples are valid."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from ft_runtime import messages
from ft_runtime.config import check_config, load_schema
from ft_runtime.config.schema import field_at, walk

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = runpy.run_path(str(DOCS / "make_reference.py"))["pages"]()
WRITTEN = sorted(path for path in DOCS.glob("*.md") if path not in GENERATED)
PAGES = [ROOT / "README.md", ROOT / "examples" / "README.md", *WRITTEN]
ALL = [*PAGES, *GENERATED]

each_page = pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}-{path.stem}")


def blocks(language: str) -> list[Any]:
    """Every fenced block of a language, as (page and line, text)."""
    found = []
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            if match[1] == language:
                line = text.count("\n", 0, match.start()) + 1
                found.append(pytest.param(match[2], id=f"{path.name}:{line}"))
    return found


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.name)
def test_generated_page_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == GENERATED[path], "run: make reference"


def test_every_field_and_every_finding_is_in_the_reference() -> None:
    config, findings = (text for _, text in sorted(GENERATED.items()))
    for path, _ in walk():
        assert f"`{path}`" in config or f"## {path}\n" in config, path
    for code in messages.codes():
        has_row = f'<a id="{code}"></a>' in findings
        assert has_row == ("severity" in messages.lookup(code)), code
    for rule in load_schema()["allOf"]:
        assert f"findings.md#{rule['x-rule']}" in config


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.name)
def test_every_table_row_has_the_columns_of_its_head(path: Path) -> None:
    columns = 0
    for line in GENERATED[path].splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not (cells and columns) or cells == columns, line
        columns = cells


@pytest.mark.parametrize("text", blocks("yaml"))
def test_yaml_parses_and_whole_configs_are_accepted(text: str) -> None:
    document = yaml.safe_load(text)
    if "model_id" in document:
        config, findings = check_config(document)
        assert config is not None, findings
        assert all(item.severity != "error" for item in findings), findings
    else:
        assert_fields_exist(document)


def assert_fields_exist(document: dict[str, Any], prefix: str = "") -> None:
    for name, value in document.items():
        field = field_at(f"{prefix}{name}")
        assert field is not None, f"{prefix}{name}"
        if isinstance(value, dict) and "properties" in field:
            assert_fields_exist(value, f"{prefix}{name}.")


@pytest.mark.parametrize("text", blocks("json"))
def test_json_parses(text: str) -> None:
    json.loads(text)


@pytest.mark.parametrize("text", blocks("jsonl"))
def test_jsonl_parses_line_by_line(text: str) -> None:
    for line in text.splitlines():
        assert isinstance(json.loads(line), dict)


@pytest.mark.parametrize("text", blocks("python"))
def test_python_compiles(text: str) -> None:
    compile(text, "docs", "exec")


@each_page
def test_links_lead_somewhere(path: Path) -> None:
    text = GENERATED.get(path) or path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        goal = (path.parent / file).resolve() if file else path
        assert goal.exists(), target
        if anchor:
            assert anchor in anchors(goal), target


def anchors(path: Path) -> set[str]:
    text = GENERATED.get(path) or path.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)"', text))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_codes_and_fields_named_in_the_text_exist(path: Path) -> None:
    rooms = {code.split(".")[0] for code in messages.codes()}
    sections = {name for name, _ in walk() if "." not in name}
    known = {*messages.codes(), *(name for name, _ in walk())}
    files = {".json", ".jsonl", ".yaml", ".md", ".csv", ".py"}
    for name in re.findall(r"`([a-z_]+(?:\.[a-z_0-9]+)+)`", path.read_text(encoding="utf-8")):
        if name.split(".")[0] in rooms | sections and Path(name).suffix not in files:
            assert name in known, name
