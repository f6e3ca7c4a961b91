"""The documentation tells of what exists: fields, findings, files; its examples are valid."""

from __future__ import annotations

import json
import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from ft_runtime import messages
from ft_runtime.config import check_config, load_config, load_schema
from ft_runtime.config.schema import field_at, walk
from ft_runtime.data import check_rows
from ft_runtime.samples import FORMATS, write_sample

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


def test_the_example_of_the_data_doctor_is_what_it_prints() -> None:
    made = runpy.run_path(str(DOCS / "make_doctor_example.py"))
    page = made["PAGE"].read_text(encoding="utf-8")
    assert page == made["with_example"](page), "run: make reference"


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


def commands(prefix: str) -> list[str]:
    """Every command of the documentation that starts with a prefix, without comment."""
    found = []
    for path in PAGES:
        for block in re.findall(r"^```\w*\n(.*?)^```$", path.read_text("utf-8"), re.M | re.S):
            found += [
                " ".join(shlex.split(line, comments=True)[len(prefix.split()) :])
                for line in block.splitlines()
                if line.startswith(f"{prefix} ")
            ]
    return found


@pytest.mark.parametrize("line", commands("jupyter ft"))
def test_jupyter_ft_takes_the_command(line: str) -> None:
    from jupyter_ft.cli import _parser

    assert _parser().parse_args(line.split())


@pytest.mark.parametrize("line", commands("python -m ft_runtime"))
def test_ft_runtime_takes_the_command(line: str) -> None:
    from ft_runtime.cli import _parser

    assert _parser().parse_args(line.split())


def test_every_command_is_documented() -> None:
    from ft_runtime.cli import _parser as runtime
    from jupyter_ft.cli import _parser as builder

    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    first, second = text.split("## python -m ft_runtime")
    for parser, part in ((builder(), first), (runtime(), second)):
        (choices,) = (action.choices for action in parser._actions if action.choices)
        for name, command in choices.items():
            assert f"| `{name}` |" in part
            for action in command._actions:
                for option in action.option_strings:
                    assert option in {"-h", "--help"} or f"`{option}" in part, option


def test_exit_codes_are_documented() -> None:
    from ft_runtime import cli

    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert codes == {cli.DONE, cli.FOUND, cli.USAGE, cli.INTERNAL, cli.PAUSED}


def test_run_folder_page_tells_of_every_state_and_field() -> None:
    from ft_runtime.runs import manifest
    from ft_runtime.runs.resume import _FREE
    from ft_runtime.tokens.ledger import COLUMNS, STATES

    text = (DOCS / "run-folder.md").read_text(encoding="utf-8")
    config, _ = check_config({"model_id": "m", "dataset": {"path": "a", "format": "jsonl_chat"}})
    fields = manifest.new(config, None)
    for name in (*STATES, *COLUMNS, *fields, *set(_FREE) - {"schema_version"}):
        assert f"`{name}`" in text, name
    source = "".join(path.read_text("utf-8") for path in (ROOT / "ft_runtime").rglob("*.py"))
    events = set(re.findall(r"\.event\(\s*\"(\w+)\"", source))
    updates = set(re.findall(r"\brun\.update\(\s*(\w+)=", source))
    assert {"started", "checkpoint", "ended"} <= events
    for name in events | updates:
        assert f"`{name}`" in text, name


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


# --- pictures ---


def pictures(page: Path) -> set[Path]:
    """The pictures of a page: Markdown's, and those that follow the reader's theme."""
    text = page.read_text(encoding="utf-8")
    plain = re.findall(r"!\[.+?\]\((.+?)\)", text)
    themed = re.findall(r'<img alt="[^"]+" src="(.+?)">', text)
    dark = re.findall(r'srcset="(.+?)">', text)
    assert text.count("![") == len(plain)
    assert text.count("<img") == len(themed), "each says in words what it shows"
    return {(page.parent / path).resolve() for path in plain + themed + dark}


def test_every_picture_is_shown_and_none_is_missing_or_heavy() -> None:
    shown = set().union(*map(pictures, PAGES))
    assert shown == {path.resolve() for path in (DOCS / "images").iterdir()}
    assert [path.name for path in shown if path.stat().st_size > 150_000] == []


# --- docs/formats.md: its examples load, and its mistakes give the findings that it names ---


def section(format: str) -> str:
    text = (DOCS / "formats.md").read_text(encoding="utf-8")
    (found,) = (
        part for part in text.split("\n## ") if f"`{format}`\n" in part.split("\n\n")[0] + "\n"
    )
    return found


def mistakes() -> list[Any]:
    return [
        pytest.param(format, row.replace("\\|", "|"), code, id=f"{code}-{number}")
        for format in FORMATS
        for number, (row, code) in enumerate(
            re.findall(r"^\| `(.+)` \| `([\w.]+)` \|$", section(format), re.MULTILINE)
        )
    ]


def codes_of(format: str, path: Path) -> tuple[set[str], int]:
    config = load_config(
        {"model_id": "m", "dataset": {"path": str(path), "format": format, "max_lost_fraction": 1}}
    )
    rows, findings = check_rows(config)
    problems = [problem for row in (rows.rows if rows else []) for problem in row.problems]
    return {item.code for item in [*findings, *problems]}, len(rows.usable) if rows else 0


@pytest.mark.parametrize("format", FORMATS)
def test_documented_rows_load_without_a_finding(format: str, tmp_path: Path) -> None:
    (example,) = re.findall(r"^```(?:jsonl|csv)\n(.*?)^```$", section(format), re.M | re.S)
    path = tmp_path / ("rows.csv" if format == "csv_classification" else "rows.jsonl")
    path.write_text(example, encoding="utf-8")
    codes, usable = codes_of(format, path)
    assert codes == set()
    assert usable >= 2


@pytest.mark.parametrize(("format", "row", "code"), mistakes())
def test_documented_mistake_gives_its_finding(
    format: str, row: str, code: str, tmp_path: Path
) -> None:
    path = tmp_path / ("rows.csv" if format == "csv_classification" else "rows.jsonl")
    if format == "csv_classification":
        (good,) = re.findall(r"^```csv\n(.*?)^```$", section(format), re.MULTILINE | re.DOTALL)
        path.write_text(good, encoding="utf-8")
    else:
        write_sample(format, path, 4)
    clean, usable = codes_of(format, path)
    assert not clean
    with open(path, "a", encoding="utf-8") as stream:
        stream.write(f"{row}\n")
    codes, still_usable = codes_of(format, path)
    assert code in codes
    # A warning leaves the row in use, an error costs this row and no other.
    kept = messages.lookup(code)["severity"] != "error"
    assert still_usable == usable + kept


def test_every_format_has_its_mistakes() -> None:
    assert {parameter.values[0] for parameter in mistakes()} == set(FORMATS)
    assert len(mistakes()) >= 20
