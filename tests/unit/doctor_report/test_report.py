"""The report stays readable and safe, whatever was found."""

from __future__ import annotations

import csv
import html
import json
import re
from html.parser import HTMLParser

import pytest

from ft_runtime.doctor import scan
from ft_runtime.doctor.examine import SplitPlan, examine
from ft_runtime.doctor.report import to_html, to_text, write_csv
from ft_runtime.doctor.report.bars import Bar, bars, length_bars
from ft_runtime.doctor.report.summary import LINES, WIDTH, parts
from ft_runtime.findings import FindingsError
from support.small_data import ROWS, jsonl, table

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\u202e\ud800'


class Page(HTMLParser):
    """Collects what a browser would run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.bad: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("meta", "br", "wbr", "img", "link", "rect"):
            self.open.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in ("src", "href") or "url(" in (value or ""):
                self.bad.append(f"{tag} {name}={value}")

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def looked_at(page: str) -> Page:
    found = Page()
    found.feed(page)
    assert found.open == []
    return found


def test_tens_of_thousands_of_errors_fit_on_a_screen(tmp_path):
    kinds = [
        '{"text": "", "label": "a"}', '{"text": 1, "label": "a"}', "{bad", "[]", "",
        '{"label": "a"}', '{"text": null, "label": "a"}', '{"text": "a", "label": [1]}',
        '{"text": "a", "text": "b", "label": "a"}', '{"text": NaN, "label": "a"}',
        '{"text": "' + r"\ud800" + '", "label": "a"}', "{'text': 'a'}",
        '{"text": "fine", "label": "' + "x" * 300 + '"}',
    ]  # fmt: skip
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(kinds * 2500) + "\n")
    report = examine(str(path), "csv_classification", split=SplitPlan("tail"))
    head, found, _ = parts(report)
    assert len(head) + len(found) <= LINES
    assert max(map(len, [*head, *found])) <= WIDTH
    assert head[0].startswith("Not in order")
    assert found[0].startswith("error")
    rows = sum(group.rows for group in report.groups if group.severity == "error")
    assert rows >= 2500 * 12
    assert report.files[0].fine + report.files[0].broken == 2500 * len(kinds)
    assert len(to_html(report)) < 200_000
    assert len(report.rows) < 4000


def test_every_line_of_the_text_is_one_line(tmp_path):
    rows = [*ROWS, {"text": "x", "label": "a\nb\x1b[31m"}, {"te\nxt": "", "label": "a"}]
    report = examine(str(jsonl(tmp_path / "a.jsonl", rows)), "csv_classification")
    shown = to_text(report)
    assert "\x1b" not in shown
    assert all(line == line.rstrip("\r") for line in shown.split("\n"))


@pytest.mark.parametrize("form", ["csv_classification", None])
def test_the_page_runs_and_loads_nothing(tmp_path, form):
    rows = [
        *ROWS,
        {"text": "x", "label": EVIL},
        {"text": "y", "label": f" {EVIL[:50]}", EVIL: EVIL},
        {"text": EVIL, EVIL: 1},
    ]
    path = jsonl(tmp_path / "<b>&.jsonl", rows)
    report = examine(str(path), form, split=SplitPlan())
    for page in (to_html(report), report._repr_html_()):
        found = looked_at(page)
        assert found.bad == []
        assert not {"script", "img", "link", "iframe", "b"} & set(found.tags)
        assert "\u202e" not in page
        page.encode("utf-8")
    assert "prefers-color-scheme:dark" in to_html(report)
    assert "<svg" in to_html(report)


def test_bars_are_as_long_as_their_numbers():
    page = bars([Bar("a", 10), Bar("b<", 5), Bar("c", 0)])
    widths = [float(width) for width in re.findall(r'<rect[^>]*width="([\d.]+)"', page)]
    assert widths[0] == pytest.approx(2 * widths[1])
    assert widths[2] == 0
    assert "b&lt;" in page


def test_length_steps_hold_every_row_once():
    counts = {0: 1, 1: 2, 2: 3, 3: 4, 9: 5, 1000: 6}
    made = length_bars(counts)
    assert [bar.name for bar in made[:4]] == ["0", "1", "2–3", "4–7"]
    assert sum(bar.rows for bar in made) == sum(counts.values())


def test_the_csv_has_every_kind_and_no_formula(tmp_path):
    rows = [*ROWS, {"text": "", "label": "a"}, {"text": None, "label": "a"}, {"text": "x"}]
    path = jsonl(tmp_path / "=cmd.jsonl", rows)
    report = examine(str(path), "csv_classification")
    with open(write_csv(report, tmp_path / "f.csv"), newline="", encoding="utf-8") as stream:
        made = list(csv.DictReader(stream))
    assert {group.code for group in report.groups} <= {row["code"] for row in made}
    lines = {row["code"]: row["line"] for row in made if row["line"]}
    assert lines["data.empty_field"] == "61"
    assert lines["data.missing_field"] == "63"
    assert not any(cell[:1] in "=+@" for row in made for cell in row.values() if cell)


def test_a_report_that_cannot_be_written_is_a_finding(tmp_path, monkeypatch):
    report = examine(str(table(tmp_path / "a.csv", ROWS)))
    (tmp_path / "there").write_text("file, no folder")
    for name in ("there/f.csv", "a\0b"):
        with pytest.raises(FindingsError, match="cannot_write"):
            write_csv(report, tmp_path / name)


def test_json_is_plain_data(tmp_path):
    report = examine(str(jsonl(tmp_path / "a.jsonl", [*ROWS, {"text": EVIL}])))
    again = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert again["files"][0]["rows"] == len(ROWS) + 1
    assert set(again["findings"][0]) == {"code", "severity", "where", "message", "hint"}
    assert again["labels"]["counts"] == {"a": 20, "b": 20, "c": 20}


def test_worst_comes_first(tmp_path):
    rows = [*ROWS, {"text": "mail a@example.com", "label": "a"}, {"text": "", "label": "b"}]
    report = examine(str(jsonl(tmp_path / "a.jsonl", rows)))
    ranks = [{"error": 0, "warning": 1, "info": 2}[group.severity] for group in report.groups]
    assert ranks == sorted(ranks)
    assert "a@example.com" not in to_text(report) + to_html(report) + json.dumps(report.to_dict())


def test_line_breaks_in_quotes_are_no_mixed_line_ends(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f'"two\nlines {i}",{"ab"[i % 2]}\r\n' for i in range(20)]
    path.write_text("text,label\r\n" + "".join(rows), newline="")
    assert [f.code for f in examine(path).findings] == []
    path.write_text(
        "text,label\n" + "".join(rows[:10] + [r.replace("\r", "") for r in rows[10:]]), newline=""
    )
    assert [f.code.rpartition(".")[2] for f in examine(path).findings] == ["mixed_line_ends"]


SHAPES = [
    ({"prompt": "q", "chosen": "a", "rejected": "b"}, "jsonl_prompt", {"completion": "chosen"}),
    (
        {"chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
        | {"rejected": []},
        "jsonl_chat",
        {"messages": "chosen"},
    ),
    (
        {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
        "jsonl_chat",
        {"messages": "conversations"},
    ),
    ({"instruction": "q", "input": "", "output": "a"}, "jsonl_instr", {}),
    (
        {"question": "q", "context": "c", "answer": "a"},
        "jsonl_instr",
        {"instruction": "question", "input": "context", "output": "answer"},
    ),
    ({"question": "q", "answer": "a"}, "jsonl_prompt", {"prompt": "question", "completion": "answer"}),
    ({"query": "q", "response": "a"}, "jsonl_prompt", {"prompt": "query", "completion": "response"}),
    ({"question": "q", "query": "SQL"}, "jsonl_prompt", {"prompt": "question", "completion": "query"}),
    (
        {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
        "jsonl_chat",
        {},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("row", "form", "columns"), SHAPES)
def test_the_mapping_that_fits_is_ready_to_accept(tmp_path, row, form, columns):
    path = jsonl(tmp_path / "a.jsonl", [row] * 3)
    proposal = examine(path).to_dict()["proposals"][0]
    assert (proposal["format"], proposal["columns"]) == (form, columns)
    taken = examine(path, proposal["format"], proposal["columns"])
    assert taken.ok
    assert taken.files[0].fine == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", '{"text": "Once upon a time."}\n' * 5),
        ("a.txt", "Once upon a time\nthere was\n"),
    ],
)
def test_plain_text_is_told_as_such(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    report = examine(tmp_path / name)
    assert [f.code.partition(".")[2] for f in report.findings] == ["plain_text"]
    assert report.to_dict()["proposals"] == []
    assert "(plain text)" in to_text(report)


def test_what_does_not_fit_a_line_ends_in_dots(tmp_path):
    rows = [
        {"messages": [{"role": f"r{i}", "content": " "}, {"role": "assistant"}, 3, []]}
        for i in range(9)
    ]
    path = jsonl(tmp_path / ("a" * 90 + ".jsonl"), rows)
    _, found, _ = parts(examine(path))
    for line, following in zip(found, [*found[1:], "error"], strict=True):
        whole = (
            line.rstrip()[-1] in ".…:" or line.startswith("    →") or following.startswith("    ")
        )
        assert whole, line


def test_the_empty_rate_is_told_everywhere(tmp_path):
    rows = [{"prompt": f"q {i}", "completion": " " if i % 8 == 0 else "a"} for i in range(40)]
    report = examine(jsonl(tmp_path / "a.jsonl", rows))
    assert report.to_dict()["files"][0]["empty_rate"] == 0.125
    assert "12.5 % of the rows" in to_text(report)
    assert "12.5 % of the rows" in to_html(report)
    whole = to_text(examine(table(tmp_path / "b.csv", ROWS)))
    assert "of the rows" not in whole


def test_a_remedy_is_whole_where_there_is_room(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,label\nHe said "yes" to me,a\nShe did not,b\n')
    _, found, _ = parts(examine(path))
    at = next(i for i, line in enumerate(found) if line.startswith("    → Put the cell"))
    assert found[at + 1].startswith("      ")
    assert found[at + 1].endswith("CSV).")
    _, tight, _ = parts(examine(path), 0)
    assert sum(line.startswith("    →") for line in tight) < len(tight)
    assert max(map(len, [*found, *tight])) <= WIDTH


def test_a_check_that_nobody_makes_is_refused(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", ROWS)
    with pytest.raises(ValueError, match="no such check: secret "):
        examine(path, checks={"secret"})
    with pytest.raises(ValueError, match=r"near .* examine\(\) looks for near duplicates"):
        scan(path, checks={"near"})
    assert examine(path, checks={"near"}).near is not None


@pytest.mark.parametrize("name", ["balance_not_updated_after_bank_transfer", "标签" * 30, "a"])
def test_names_of_bars_have_room(name):
    drawn = bars([Bar(name, 3), Bar("b", 1)])
    x = float(re.search(r'<text x="(\d+)"', drawn)[1])
    shown = html.unescape(re.search(r">([^<]*)</text>", drawn)[1])
    wide = sum(2 if ord(letter) > 0x2E80 else 1 for letter in shown)
    assert x >= 6.5 * wide
    assert shown == name or (shown.endswith("…") and name.startswith(shown[:-1]))


def test_places_are_not_cut_inside_a_line_number(tmp_path):
    rows = [{"text": "", "label": "a"}] * 12345
    path = jsonl(tmp_path / ("long" * 9 + ".jsonl"), [*ROWS, *rows])
    shown = to_text(examine(path))
    places = re.search(r"jsonl:([\d, ]*) …", shown)[1]
    assert [int(place) for place in places.split(",")] == list(
        range(61, 61 + places.count(",") + 1)
    )
