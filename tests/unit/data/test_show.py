"""What a cell shows, and the catalogue behind it."""

from __future__ import annotations

import re
from pathlib import Path

import ft_runtime.data
from ft_runtime import messages
from ft_runtime.data import check_rows, load_rows
from ft_runtime.data.places import join_places, printable
from ft_runtime.printing import printable_path

ROOM = Path(ft_runtime.data.__file__).parent


def test_a_good_file_is_one_line(write, make_config):
    rows = load_rows(
        make_config(write("a.jsonl", [{"prompt": "p", "completion": "c"}]), "jsonl_prompt")
    )
    assert repr(rows) == "a.jsonl (jsonl_prompt): 1 rows, 1 usable"
    assert len(rows) == 1


def test_problems_stand_worst_first_and_briefly(write, make_config, capsys):
    content = [{"prompt": f"p{i}", "completion": "c", f"x{i}": 1} for i in range(30)]
    for i in range(5):
        content.append({"prompt": "p", "completion": ["a", None, 3, {}, " "][i]})
    content += [{"prompt": "{{name}}", "completion": "<|im_end|>\u2028\x01"}] * 9 + [{}] * 7
    rows = load_rows(make_config(write("a.jsonl", content), "jsonl_prompt"))
    lines = repr(rows).split("\n")
    assert lines[0] == "a.jsonl (jsonl_prompt): 51 rows, 40 usable"
    assert lines[1].startswith("  7 × missing_field: a.jsonl:45, 46, 47, 48, 49 … (+2): ")
    assert len(lines) <= 10
    assert max(map(len, lines)) < 200
    assert "rows_unusable" in capsys.readouterr().err


def test_html_escapes_what_comes_from_the_file(write, make_config):
    content = [{"prompt": "p", "completion": "c", "<script>alert(1)</script>": 1}]
    rows, _ = check_rows(make_config(write("<b>.jsonl", content), "jsonl_prompt"))
    html = rows._repr_html_()
    assert "<script>" not in html
    assert "&lt;b&gt;.jsonl" in html


def test_printable_and_places():
    assert printable("a\nb\x1b[31m\ud800") == "a\\nb\\x1b[31m\\ud800"
    assert printable("x" * 100) == "x" * 59 + "…"
    long = printable_path(f"/{'a' * 300}/\n/rows.jsonl")
    assert len(long) == 200
    assert long.startswith("…aa")
    assert long.endswith("a/\\n/rows.jsonl")
    assert printable_path("/a/b.jsonl") == "/a/b.jsonl"
    assert join_places([("a", "1"), ("a", "2"), ("b", "row 3")], 9) == "a:1, 2, b row 3 … (+6)"


def test_every_code_is_in_the_catalogue_and_every_entry_is_used():
    files = [*ROOM.rglob("*.py"), *(ROOM.parent / "doctor").rglob("*.py")]
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    known = set(messages.room("data"))
    assert set(re.findall(r'"(data\.[a-z0-9_.]+)"', source)) <= known
    assert {f"data.{name}" for name in re.findall(r'Problem\(\s*"(\w+)"', source)} <= known
    for code in known:
        short = code.removeprefix("data.")
        assert f'"{code}"' in source or f'"{short}"' in source or f"{short}'}}" in source, code


def test_errors_and_warnings_have_a_remedy():
    for code, entry in messages.room("data").items():
        if "text" not in entry:
            assert entry["severity"] in ("error", "warning", "info"), code
            assert (
                entry["severity"] == "info" or code == "data.hub_unused_splits" or entry["hint"]
            ), code
