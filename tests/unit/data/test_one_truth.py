"""What a run reads, what the preview shows and what ``check`` tells are one and the same."""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ft_runtime.cli import main
from ft_runtime.config import check_config
from ft_runtime.data import check_rows
from ft_runtime.data.columns import resolve
from ft_runtime.data.formats import FORMATS
from ft_runtime.data.load import rows_of
from ft_runtime.data.read import read_file
from ft_runtime.data.tally import Tally
from ft_runtime.doctor.problems import is_error
from ft_runtime.doctor.survey import survey
from ft_runtime.findings import FindingsError, errors
from jupyter_ft.services.preview import Limits, preview_file


def _load(name: str) -> Any:
    path = Path(__file__).parents[1] / "doctor" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"one_truth_{name}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


nasty, agreement = _load("nasty"), _load("test_agreement")
FEW = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
CASES = [
    *((f"{name}.jsonl", case[0], "jsonl_chat") for name, case in nasty.JSONL.items()),
    *((f"{name}.csv", case[0], "csv_classification") for name, case in nasty.CSV.items()),
]


def config_for(path: Path, format: str, columns: dict[str, str] | None = None) -> Any:
    dataset = {"path": str(path), "format": format, "columns": columns or {}}
    document = {"provider": "hf_local", "model_id": "m", "tune_type": "lora", "dataset": dataset}
    config, found = check_config(document)
    assert config is not None, found
    return config


Verdict = tuple[int, dict[int, list[str]], dict[str, int]]


def by_run(path: Path, format: str) -> Verdict | set[str]:
    """Return rows, codes of broken rows by line and other codes; or why the file is refused."""
    try:
        contents = read_file(path)
    except FindingsError as error:
        return {item.code for item in error.findings}
    names, told = resolve(FORMATS[format], {}, contents)
    if errors(told):
        return {item.code for item in told}
    tally = Tally()
    rows = rows_of(contents, FORMATS[format], names, 0, tally)
    tally.add_log(contents.marks, "")
    broken = {
        row.line or row.number: sorted({problem.code for problem in row.problems})
        for row in rows
        if not row.usable
    }
    return len(rows), broken, dict(tally._counts)


def by_check(path: Path, format: str) -> Verdict | set[str]:
    """Return the same of the doctor."""
    names = {column: column for column in FORMATS[format].columns}
    with survey(str(path), format, names, workers=1) as found:
        if not found.files:
            return {item.code for item in found.findings}
        (each,) = found.files
        scan = each.scan
        stops = errors(scan.findings)
        columns = {item.code for item in stops} & {
            "data.missing_columns", "data.no_header", "data.wrong_format", "data.unknown_columns",
            "data.preference_data", "data.duplicate_column", "data.mostly_unreadable",
        }  # fmt: skip
        if scan.refused or columns:
            return {item.code for item in stops} - {"data.mostly_broken"}
        broken: dict[int, set[str]] = {}
        for code, line, item in each.row_findings():
            if item.severity == "error":
                broken.setdefault(line, set()).add(code)
        counts = scan.log.rows + scan.marks.rows
        others = {code: count for code, count in counts.items() if not is_error(code)}
        return scan.rows, {line: sorted(codes) for line, codes in broken.items()}, others


@pytest.mark.parametrize(("name", "data", "format"), CASES, ids=[case[0] for case in CASES])
def test_every_nasty_input_is_judged_alike_by_run_preview_and_check(tmp_path, name, data, format):
    path = tmp_path / name
    path.write_bytes(data)
    run, check = by_run(path, format), by_check(path, format)
    if isinstance(run, set) and isinstance(check, set):
        assert run & check
    else:
        assert run == check

    rows, told = check_rows(config_for(path, format))
    # Given by name, so that the preview does not take the mapping that it would propose.
    names = {column: column for column in FORMATS[format].required}
    shown = preview_file(path, name, format, names, Limits())
    codes = {item["code"] for item in shown["findings"]}
    assert codes == {item.code for item in told}
    if rows is None:
        assert any(item["severity"] == "error" for item in shown["findings"])
        return
    assert (shown["total_rows"], shown["statistics"]["usable"]) == (len(rows), len(rows.usable))
    lines = [row.line for row in rows.rows if row.problems or row.fields is not None]
    blank = {row.line for row in rows.rows if "data.blank_line" in {p.code for p in row.problems}}
    assert shown["lines"] == [line for line in lines if line not in blank][: Limits.rows]


@FEW
@given(st.lists(agreement.lines(), min_size=1, max_size=8), st.sampled_from(agreement.FORMATS))
def test_any_lines_are_judged_alike(tmp_path_factory, parts, format):
    path = tmp_path_factory.mktemp("alike") / "a.jsonl"
    good = {
        "jsonl_chat": nasty.good(),
        "jsonl_instr": b'{"instruction": "a", "output": "b"}',
        "jsonl_prompt": b'{"prompt": "a", "completion": "b"}',
        "csv_classification": b'{"text": "a", "label": "b"}',
    }[format]
    parts = [line.replace(b"\n", b" ") for line in parts]
    path.write_bytes(b"\n".join([good] * (len(parts) + 1) + parts) + b"\n")
    assert by_run(path, format) == by_check(path, format)


@FEW
@given(
    st.lists(
        st.one_of(agreement.good_records.map(agreement.written), agreement.bad_lines),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from([b",", b";", b"\t"]),
    st.booleans(),
)
def test_any_table_is_judged_alike(tmp_path_factory, records, delimiter, wide):
    path = tmp_path_factory.mktemp("alike") / "a.csv"
    head = b"text,label\n" + b"a,x\nb,y\n" * (len(records) + 1)
    data = head + b"".join(records)
    if wide:
        data = data.replace(b"\n", b",more\xc3\xa9\n", 4)
    path.write_bytes(data.replace(b",", delimiter))
    run, check = by_run(path, "csv_classification"), by_check(path, "csv_classification")
    if isinstance(check, set) and "data.mostly_unreadable" in check:
        assert isinstance(run, set)
        return
    assert run == check


@FEW
@given(
    st.lists(
        st.one_of(agreement.good_records.map(agreement.written), agreement.bad_lines),
        min_size=1,
        max_size=20,
    )
)
def test_a_table_of_prompts_is_judged_alike(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("alike") / "a.csv"
    path.write_bytes(b"prompt,completion\n" + b"a,b\n" * (len(records) + 1) + b"".join(records))
    assert by_run(path, "jsonl_prompt") == by_check(path, "jsonl_prompt")


def containers(folder: Path, rows: list[dict[str, Any]]) -> list[Path]:
    """The same rows in every light container."""
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    made = {
        "a.jsonl": text,
        "a.json": json.dumps(rows, indent=1).encode(),
        "b.jsonl.gz": gzip.compress(text),
        "b.json.gz": gzip.compress(json.dumps(rows).encode()),
        "a.csv": b"text,label\n" + b"".join(b"%s,%s\n" % (r["text"].encode(), r["label"].encode()) for r in rows),
    }  # fmt: skip
    made["a.tsv"] = made["a.csv"].replace(b",", b"\t")
    made["c.csv"] = made["a.csv"].replace(b",", b";")
    made["a.csv.gz"] = gzip.compress(made["a.csv"])
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in made]


def test_every_container_gives_a_run_the_same_rows(tmp_path, capsys):
    rows = [{"text": f"text {i}", "label": "xy"[i % 2]} for i in range(10)]
    for path in containers(tmp_path, rows):
        read, found = check_rows(config_for(path, "csv_classification"))
        assert read is not None, (path, found)
        assert [row.fields for row in read.rows] == rows
        assert not errors(found)
        shown = preview_file(path, path.name, None, None, Limits())
        assert (shown["format"], shown["total_rows"]) == ("csv_classification", 10), path
        assert shown["statistics"]["usable"] == 10
        assert main(["check", str(path)]) == 0
        assert "10 rows, 0 broken" in capsys.readouterr().out
    (source,) = read.sources
    assert source.bytes == path.stat().st_size


def test_the_head_of_every_container_is_enough_for_a_preview(tmp_path):
    rows = [{"text": f"text {i}", "label": "xy"[i % 2]} for i in range(5000)]
    limits = Limits(head_bytes=20_000)
    for path in containers(tmp_path, rows):
        shown = preview_file(path, path.name, None, None, limits)
        assert not shown["complete"], path
        assert shown["rows"] == rows[:20]
        assert 100 < shown["statistics"]["rows"] == shown["statistics"]["usable"] < 5000
        assert [item["code"] for item in shown["findings"] if item["severity"] == "error"] == []


def test_a_content_in_parts_is_measured_as_the_text_that_it_says(tmp_path):
    def row(asked: Any, said: Any) -> bytes:
        return nasty.chat(nasty.user(asked), nasty.answer(said)) + b"\n"

    def parts(*texts: str) -> list[dict[str, str]]:
        return [{"type": "text", "text": text} for text in texts]

    shown, counted = [], []
    for name, data in {
        "text.jsonl": row("What is it?", "A lamp") * 3,
        "parts.jsonl": row(parts("What is", " ", "it?"), parts("A", " lamp", "")) * 3,
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        shown.append(preview_file(path, name, None, None, Limits())["statistics"])
        with survey(str(path), "jsonl_chat", {"messages": "messages"}, workers=1) as found:
            scan = found.files[0].scan
            counted.append((scan.lengths, scan.duplicates, found.files[0].content.tolist()))
    assert shown[0] == shown[1]
    assert counted[0] == counted[1]
