"""Previews: what is in a file, of which nothing is kept and not all is read."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from pathlib import Path

import pytest
from tornado.httputil import parse_body_arguments

from ft_runtime.samples import FORMATS, write_sample
from jupyter_ft.server.routes import datasets
from jupyter_ft.services.examples import datasets_folder
from jupyter_ft.services.preview import Limits, preview_file
from support.clock import Stopwatch

from .test_routes import check

NAMES = {name: "rows.csv" if name == "csv_classification" else "rows.jsonl" for name in FORMATS}


async def look(ask, **body):
    code, document = await ask("datasets/preview", body)
    if code == 200:
        check("Preview", document)
    return code, document


def codes(document) -> set[str]:
    return {item["code"] for item in document["findings"]}


@pytest.mark.parametrize("format", FORMATS)
async def test_every_format_is_recognised_and_counted(ask, root, format):
    write_sample(format, Path(root) / "data" / NAMES[format], 30)
    code, document = await look(ask, path=f"data/{NAMES[format]}")
    assert code == 200
    assert document["format"] == format
    assert document["complete"]
    assert document["total_rows"] == document["statistics"]["rows"] == 30
    assert document["statistics"]["usable"] == 30
    assert len(document["rows"]) == len(document["lines"]) == 20
    assert set(document["mapping"].values()) <= set(document["columns"])
    if format == "csv_classification":
        assert {item["label"]: item["count"] for item in document["labels"]} == dict.fromkeys(
            ["positive", "negative", "neutral"], 10
        )


@pytest.mark.parametrize("path", sorted(datasets_folder().glob("*.jsonl")), ids=lambda p: p.stem)
def test_the_examples_are_in_order(path):
    document = preview_file(path, path.name, None, None, Limits())
    assert document["findings"] == []
    assert document["statistics"]["usable"] == document["total_rows"]


async def test_other_names_of_columns_are_suggested_and_taken(ask, root):
    rows = [{"question": f"q{i}", "sql": f"select {i}", "id": i} for i in range(5)]
    write(root, "a.jsonl", rows)
    _, document = await look(ask, path="a.jsonl")
    assert document["mapping"] == {"prompt": "question", "completion": "sql"}
    assert codes(document) == {"data.unused_columns"}
    columns = {"instruction": "question", "output": "sql"}
    _, document = await look(ask, path="a.jsonl", format="jsonl_instr", columns=columns)
    assert document["declared"] == "jsonl_instr"
    assert document["mapping"] == columns
    assert document["statistics"]["usable"] == 5


async def test_lengths_are_those_of_the_texts(ask, root):
    sizes = list(range(1, 101))
    write(root, "a.jsonl", [{"prompt": "x" * size, "completion": "yy"} for size in sizes])
    _, document = await look(ask, path="a.jsonl")
    length = document["statistics"]["length"]
    assert (length["p50"], length["p95"], length["max"]) == (52, 97, 102)
    assert length["mean"] == pytest.approx(sum(size + 2 for size in sizes) / 100)
    assert length["longest_bytes"] == 102
    assert document["estimated_rows"] == 100
    write(root, "b.jsonl", [{"prompt": "漢字", "completion": " é "}])
    _, document = await look(ask, path="b.jsonl")
    assert document["statistics"]["length"]["longest_bytes"] == 8


async def test_what_is_wrong_with_rows_is_told(ask, root):
    text = '{"prompt": "a", "completion": "b"}\n{"prompt": "a"}\n\n{"prompt": "c", "completion": "d"}\n'
    (Path(root) / "a.jsonl").write_text(text + '{"prompt": "e", "completion": "f"}\n')
    _, document = await look(ask, path="a.jsonl")
    assert "data.rows_unusable" in codes(document)
    assert document["statistics"]["usable"] == 3
    assert document["statistics"]["rows"] == 5
    assert document["lines"] == [1, 2, 4, 5]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.jsonl", b"\x89PNG\r\n\x1a\n\x00\x00\x00", "data.binary_file"),
        ("a.jsonl", b"PK\x03\x04 xl/", "data.spreadsheet"),
        ("a.jsonl", b"", "data.empty_file"),
        ("a.csv", b"a;b\n1;2\n", "data.csv_delimiter"),
        ("a.jsonl", b"[1]\n[2]\n", "data.mostly_unreadable"),
        ("a.jsonl", b'{"x": 1, "y": 2}\n', "data.unknown_format"),
        ("a.jsonl", b'{"chosen": "a", "rejected": "b"}\n', "data.preference_data"),
    ],
)
async def test_a_file_that_cannot_serve_is_a_finding(ask, root, name, data, code):
    (Path(root) / name).write_bytes(data)
    status, document = await look(ask, path=name)
    assert status == 200
    assert code in codes(document)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("../a.jsonl", 403, "server.outside_root"),
        ("data/../../a.jsonl", 403, "server.outside_root"),
        ("..", 403, "server.outside_root"),
        ("link.jsonl", 403, "server.outside_root"),
        ("out/a.jsonl", 403, "server.outside_root"),
        ("nothing.jsonl", 404, "server.no_file"),
        ("/etc/passwd", 404, "server.no_file"),
        ("a\x00.jsonl", 404, "server.no_file"),
        ("x" * 5000, 404, "server.no_file"),
        (".hidden.jsonl", 404, "server.no_file"),
        (".folder/a.jsonl", 404, "server.no_file"),
        ("seen.jsonl", 404, "server.no_file"),
        ("loop.jsonl", 404, "server.no_file"),
        ("pipe.jsonl", 404, "server.no_file"),
        ("", 400, "server.not_a_file"),
        ("folder.jsonl", 400, "server.not_a_file"),
        ("program.py", 400, "server.bad_ending"),
        ("noending", 400, "server.bad_ending"),
    ],
)
async def test_paths_that_lead_elsewhere_are_refused(ask, root, tmp_path, path, status, code):
    root, outside = Path(root), tmp_path / "outside"
    for folder in (outside, root / ".folder", root / "folder.jsonl"):
        folder.mkdir()
    for place in (outside, root / ".folder"):
        write(place, "a.jsonl", [{"prompt": "secret", "completion": "b"}])
    write(root, ".hidden.jsonl", [{"prompt": "a", "completion": "b"}])
    for name in ("program.py", "noending"):
        (root / name).write_text("x")
    (root / "link.jsonl").symlink_to(outside / "a.jsonl")
    (root / "out").symlink_to(outside)
    (root / "seen.jsonl").symlink_to(root / ".hidden.jsonl")
    (root / "loop.jsonl").symlink_to(root / "loop.jsonl")
    os.mkfifo(root / "pipe.jsonl")
    for route, more in (
        ("datasets/preview", {}),
        ("datasets/render", {"format": "jsonl_prompt", "provider": "hf_hub", "model_id": "a/b"}),
    ):
        got, document = await ask(route, {"path": path, **more})
        assert (got, document["code"]) == (status, code)
        assert "secret" not in json.dumps(document)


async def test_a_link_inside_the_folder_is_followed(ask, root):
    write(root, "a.jsonl", [{"prompt": "a", "completion": "b"}, {"prompt": "c", "completion": "d"}])
    (Path(root) / "b.jsonl").symlink_to("a.jsonl")
    assert (await look(ask, path="b.jsonl"))[1]["statistics"]["usable"] == 2
    assert (await look(ask, path="/b.jsonl"))[0] == 200


async def test_hidden_files_follow_the_contents_manager(ask, root, jp_serverapp):
    write(root, ".a.jsonl", [{"prompt": "a", "completion": "b"}])
    jp_serverapp.contents_manager.allow_hidden = True
    assert (await look(ask, path=".a.jsonl"))[0] == 200


def form(name: str, data: bytes, **fields: str) -> tuple[bytes, dict[str, str]]:
    """A multipart body and its headers."""
    parts = [
        f'--xyz\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'--xyz\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    file = head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n"
    return b"".join([*parts, file, b"--xyz--\r\n"]), {
        "Content-Type": "multipart/form-data; boundary=xyz"
    }


async def test_an_upload_is_looked_at_and_not_kept(ask, root, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    data = b"".join(b'{"q": "%d", "a": "x"}\n' % i for i in range(3))
    body, headers = form(
        "../../my rows.jsonl",
        data,
        format="jsonl_prompt",
        columns='{"prompt": "q", "completion": "a"}',
    )
    code, document = await ask("datasets/preview", body, headers=headers)
    assert code == 200
    check("Preview", document)
    assert document["name"] == "my rows.jsonl"
    assert document["statistics"]["usable"] == 3
    assert list(scratch.iterdir()) == []
    assert list(Path(root).iterdir()) == []
    body, headers = form("a.jsonl", b"\x00" * 1000)
    code, document = await ask("datasets/preview", body, headers=headers)
    assert (code, codes(document)) == (200, {"data.binary_file"})
    assert list(scratch.iterdir()) == []


async def test_an_upload_is_taken_apart_in_a_thread(ask, monkeypatch):
    threads = []

    def parse(*arguments):
        threads.append(threading.current_thread())
        parse_body_arguments(*arguments)

    monkeypatch.setattr(datasets, "parse_body_arguments", parse)
    body, headers = form("a.jsonl", b'{"prompt": "a", "completion": "b"}')
    assert (await ask("datasets/preview", body, headers=headers))[0] == 200
    assert threads
    assert threading.current_thread() not in threads


def test_very_many_columns_take_no_longer_each(tmp_path):
    place = tmp_path / "wide.csv"
    columns = [f"c{i}" for i in range(60_000)]
    place.write_text("\n".join([",".join(columns), ",".join("1" * len(columns))]))
    watch = Stopwatch()
    with watch.once():
        assert preview_file(place, place.name, None, None, Limits())["columns"] == columns
    assert watch.seconds < 15


async def test_an_upload_that_breaks_the_reader_is_not_kept(ask, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    def broken(*_arguments):
        raise RuntimeError

    monkeypatch.setattr("jupyter_ft.services.preview.read_head", broken)
    body, headers = form("a.jsonl", b"{}")
    code, _ = await ask("datasets/preview", body, headers=headers)
    assert code == 500
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (form("program.exe", b"x")[0], "server.bad_ending"),
        (form("a.jsonl", b"x", columns="{")[0], "server.bad_field"),
        (form("a.jsonl", b"x", columns="[1]")[0], "server.bad_field"),
        (form("a.jsonl", b"x", format="other")[0], "server.bad_field"),
        (form("", b"x")[0], "server.missing_field"),
        (b"nonsense", "server.bad_json"),
        (b"", "server.bad_json"),
    ],
    ids=range(7),
)
async def test_a_form_that_is_wrong_is_refused(ask, body, code):
    headers = {"Content-Type": "multipart/form-data; boundary=xyz"}
    status, document = await ask("datasets/preview", body, headers=headers)
    assert (status, document["code"]) == (400, code)


async def test_limits_are_settings(ask, root, jp_serverapp):
    app = jp_serverapp.web_app.settings["ft"]
    app.max_upload_bytes, app.preview_rows, app.preview_bytes = 1000, 2, 1024
    app.data_extensions = [".rows"]
    body, headers = form("a.rows", b"x" * 70_000)
    code, document = await ask("datasets/preview", body, headers=headers)
    assert (code, document["code"]) == (413, "server.too_large")
    write(root, "a.jsonl", [{"prompt": "a", "completion": "b"}])
    assert (await look(ask, path="a.jsonl"))[1]["code"] == "server.bad_ending"
    write(root, "a.rows", [{"prompt": "a", "completion": "b"}] * 100)
    _, document = await look(ask, path="a.rows")
    assert len(document["rows"]) == 2
    assert not document["complete"]


async def test_a_large_file_is_not_read_whole(ask, root):
    """1 GB, most of it a hole: whoever reads it whole takes longer than a second."""
    place = Path(root) / "large.jsonl"
    row = json.dumps({"prompt": "question " * 20, "completion": "answer " * 15}) + "\n"
    with open(place, "w") as stream:
        stream.write(row * 20_000)
        stream.truncate(1 << 30)
    watch = Stopwatch()
    with watch.once():
        code, document = await look(ask, path="large.jsonl")
    assert code == 200
    assert watch.seconds < 1
    assert not document["complete"]
    assert document["total_rows"] is None
    assert document["bytes"] == 1 << 30
    assert document["statistics"]["rows"] == Limits.head_bytes // len(row)
    assert document["estimated_rows"] == pytest.approx((1 << 30) / len(row), rel=0.01)
    assert "server.preview_partial" in codes(document)


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl"])
@pytest.mark.parametrize("size", [1500, 1501, 1502, 1503, 1504, 1505, 1506, 1507])
def test_the_border_of_the_look_breaks_no_row(tmp_path, kind, size):
    """Rows with line breaks, quotes and long characters: wherever the look ends, none is made up."""
    place = tmp_path / f"a.{kind}"
    texts = [f'{n} "ä€𝄞"\nline, two' for n in range(200)]
    if kind == "csv":
        rows = "".join(
            f'"{text.replace(chr(34), chr(34) * 2)}",{n % 2}\n' for n, text in enumerate(texts)
        )
        place.write_text(f"text,label\n{rows}", encoding="utf-8")
        wanted = [{"text": text, "label": str(n % 2)} for n, text in enumerate(texts)]
    else:
        wanted = [{"text": text, "label": str(n % 2)} for n, text in enumerate(texts)]
        lines = [json.dumps(row, ensure_ascii=False) for row in wanted]
        text = "\n".join(lines) + "\n" if kind == "jsonl" else "[" + ",\n".join(lines) + "]"
        place.write_text(text, encoding="utf-8")
    document = preview_file(place, place.name, None, None, Limits(head_bytes=size, rows=1000))
    assert not document["complete"]
    assert len(document["rows"]) > 15
    assert document["rows"] == wanted[: len(document["rows"])]
    assert codes(document) <= {"server.preview_partial", "data.numeric_labels"}


def test_a_first_row_that_is_too_long_is_told(tmp_path):
    for name, start in (("a.jsonl", '{"prompt": "'), ("a.csv", '"'), ("a.json", '[{"prompt": "')):
        place = tmp_path / name
        place.write_text(start + "x" * 10_000)
        document = preview_file(place, name, None, None, Limits(head_bytes=2000))
        assert document["findings"][0]["severity"] == "error", name


def test_long_and_odd_values_are_shown_safely(tmp_path):
    row = {
        "prompt": "x" * 10_000,
        "completion": "y\ud800",
        "n": 1 << 60,
        "deep": [[[[[[[[[[[1]]]]]]]]]]],
        "many": list(range(1000)),
    }
    write(tmp_path, "a.jsonl", [row, {**row, "n": 10**400}])
    document = preview_file(tmp_path / "a.jsonl", "a.jsonl", None, None, Limits())
    shown = document["rows"][0]
    assert len(shown["prompt"]) == 2001
    assert shown["n"] == str(1 << 60)
    assert len(shown["many"]) == 100
    json.dumps(document, allow_nan=False).encode()


def write(folder, name: str, rows) -> Path:
    place = Path(folder) / name
    place.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return place
