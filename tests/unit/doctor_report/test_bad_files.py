"""What is no sound file: told as a finding, in text and in JSON, and nothing is left behind."""

from __future__ import annotations

import errno
import io
import json
import os

import pytest

from ft_runtime.cli import main
from ft_runtime.doctor.cleaning import fix, records
from ft_runtime.doctor.cleaning.records import Piece, numbered, table_records
from ft_runtime.doctor.containers import table as tables
from ft_runtime.doctor.engine import LIMIT, scan
from ft_runtime.doctor.examine import examine
from support.small_data import ROWS, jsonl, table


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys, *command):
    """Return the codes without their rooms, after a look at exit code and text."""
    assert main(["check", *command]) == 1
    shown = capsys.readouterr()
    assert "Traceback" not in shown.out + shown.err
    assert main(["check", *command, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    return [item["code"].partition(".")[2] for item in document["findings"]]


def test_what_is_no_file(here, capsys):
    (here / "folder").mkdir()
    os.mkfifo(here / "pipe.jsonl")
    (here / "dangling.jsonl").symlink_to("nowhere")
    (here / "loop.jsonl").symlink_to("loop.jsonl")
    assert told(capsys, "folder") == ["no_such_folder"]
    assert told(capsys, "pipe.jsonl") == ["not_a_file"]
    assert told(capsys, "dangling.jsonl") == ["dangling_link"]
    assert told(capsys, "loop.jsonl") == ["unreadable"]
    assert told(capsys, "none.jsonl") == ["missing_file"]
    assert told(capsys, "/dev/zero") == ["not_a_file"]


@pytest.mark.parametrize("name", ["pipe.jsonl", "none.jsonl", "empty.jsonl"])
def test_of_what_was_not_read_nothing_is_written(here, capsys, name):
    os.mkfifo(here / "pipe.jsonl")
    (here / "empty.jsonl").touch()
    asked = ["--write-splits", "parts", "--write-record", "record"]
    codes = told(capsys, name, *asked)
    assert codes[-1] == "nothing_written"  # below its reason
    assert len(codes) == 2
    assert sorted(path.name for path in here.iterdir()) == ["empty.jsonl", "pipe.jsonl"]


def test_a_table_in_another_encoding_is_told_with_the_way_to_mend_it(here, capsys):
    rows = "".join(f"Gr\u00fc\u00dfe {i},{'ab'[i % 2]}\n" for i in range(6))
    (here / "a.csv").write_bytes(f"text,label\n{rows}".encode("cp1252"))
    assert told(capsys, "a.csv")[0] == "other_encoding"
    assert main(["check", "a.csv", "--fix", "b.csv", "--fix-kinds", "encoding"]) == 1
    assert (here / "b.csv").read_text(encoding="utf-8") == f"text,label\n{rows}"
    assert main(["check", "b.csv"]) == 0


def test_a_pipe_is_not_waited_for_whatever_is_asked(here, capsys):
    os.mkfifo(here / "pipe.jsonl")
    assert told(capsys, "pipe.jsonl", "--fix", "a.jsonl", "--near", "--phone") == [
        "not_a_file", "nothing_written"
    ]  # fmt: skip


def test_every_file_that_cannot_be_written_is_told(here, capsys):
    jsonl(here / "a.jsonl", ROWS)
    (here / "file").touch()
    codes = told(capsys, "a.jsonl", "--fix", "file/a", "--csv", "file/b", "--html", "file/c")
    assert codes[:3] == ["cannot_write"] * 3


def test_rows_that_are_all_broken_are_not_split(here, capsys):
    jsonl(here / "a.jsonl", [{"text": "", "label": "a"}] * 30)
    assert "cannot_split" in told(capsys, "a.jsonl", "--write-splits", "parts")
    assert not (here / "parts").exists()


def test_no_permission(here, capsys, monkeypatch):
    jsonl(here / "a.jsonl", ROWS)
    real = os.open

    def refuse(path, *rest, **more):
        if str(path).endswith("a.jsonl"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)  # the tests may run as root, who may read all
    assert told(capsys, "a.jsonl") == ["unreadable"]


def test_a_saved_dataset_that_is_damaged(here, capsys):
    (here / "data").mkdir()
    (here / "data" / "dataset_info.json").write_text("{")
    assert told(capsys, "data")[0] in ("broken_columnar", "no_pyarrow")


@pytest.mark.parametrize("option", ["--csv", "--html", "--fix", "--write-record"])
def test_a_full_disk_is_told_and_leaves_nothing(here, capsys, monkeypatch, option):
    table(here / "a.csv", ROWS)
    real = os.fsync

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert told(capsys, "a.csv", option, "out") == ["cannot_write"]
    monkeypatch.setattr(os, "fsync", real)
    left = [path for path in here.rglob("*") if path.is_file()]
    assert left == [here / "a.csv"]


def test_few_rows(here, capsys):
    (here / "zero.jsonl").write_bytes(b"")
    (here / "blank.jsonl").write_bytes(b"\n \n\r\n\n")
    (here / "header.csv").write_bytes(b"text,label\n")
    assert told(capsys, "zero.jsonl") == ["empty_file"]
    assert told(capsys, "blank.jsonl") == ["blank_file"]
    assert told(capsys, "header.csv") == ["header_only"]
    report = examine(jsonl(here / "one.jsonl", [{"prompt": "a", "completion": "b"}]))
    assert report.ok
    assert report.files[0].fine == 1


def test_the_longest_line_is_the_same_for_every_block(here):
    """A block grows until it holds a line end: what it holds then may be longer than the limit."""
    good = b'{"prompt": "a", "completion": "b"}\n'
    long = b'{"prompt": "%s", "completion": "b"}\n'
    (here / "a.jsonl").write_bytes(good + long % (b"x" * 3000) + good + long % (b"x" * 900))
    for block in (16, 100, 1000, 1 << 16):
        found = scan(here / "a.jsonl", limit=2000, block=block, workers=1).files[0]
        assert (found.rows, found.broken) == (4, 1)
        assert [line for line, _ in found.log.kept["line_too_long"]] == [2]
    assert records.LONGEST == LIMIT


def test_a_long_line_is_copied_in_pieces(here, monkeypatch):
    monkeypatch.setattr(records, "_PIECE", 64)
    monkeypatch.setattr(numbered, "__defaults__", (200,))
    rows = [b'{"a": 1}\n', b'{"a": "%s"}\r\n' % (b"x" * 1000), b"\xe9\r\n", b'{"a": 1}\n']
    (here / "a.jsonl").write_bytes(b"".join(rows))
    made = fix(here / "a.jsonl", here / "b.jsonl")
    # The long line keeps even its line end; the others are repaired.
    assert (here / "b.jsonl").read_bytes() == rows[0] + rows[1] + "é\n".encode()
    assert (made.kept, made.dropped) == (3, 1)


def test_a_long_line_ends_an_open_quote(here, monkeypatch):
    monkeypatch.setattr(numbered, "__defaults__", (50,))
    raw = b'prompt,completion\n"open,b\n' + b"x" * 300 + b"\na,b\n"
    (here / "a.csv").write_bytes(raw)
    with open(here / "a.csv", "rb") as stream:
        found = list(table_records(numbered(stream)))
    assert b"".join(part for _, part in found) == raw
    assert [line for line, part in found if not isinstance(part, Piece)] == [1, 2, 4]
    report = examine(here / "a.csv", "jsonl_prompt")
    # What stands behind the open quote may be the rest of its text, and does not pass for rows.
    counts = report.files[0].log.rows
    assert counts == {"unbalanced_quote": 1, "inside_quote": 2}
    assert tables.LIMIT == LIMIT


@pytest.mark.parametrize("pad", range(8))
def test_one_bad_quote_spoils_one_row_alone(here, pad):
    """Behind a bad quote a table is read in short stretches: none may part a doubled quote."""
    rows = ['"said ""yes"" and ""no""",a\n' for _ in range(3000)]
    raw = "text,label\n" + "x,b\n" * pad + 'a "word" inside,b\n' + "".join(rows)
    (here / "a.csv").write_text(raw)
    for block in (1 << 12, 1 << 15, 1 << 21):
        found = scan(here / "a.csv", workers=1, block=block).files[0]
        assert (found.rows, found.broken) == (3001 + pad, 1)
        assert dict(found.log.rows) == {"stray_quote": 1}


class Unwritable(io.StringIO):
    """A stream that fails in a way of its own."""

    name = "<stdout>"

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_output_that_cannot_be_written_is_told(here, capsys, monkeypatch, options):
    table(here / "a.csv", ROWS)
    full = Unwritable(OSError(errno.ENOSPC, "No space left on device"))
    monkeypatch.setattr("sys.stdout", full)
    assert main(["check", "a.csv", *options]) == 1
    assert ".cannot_print] <stdout>" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdout", Unwritable(BrokenPipeError()))  # as of `| head -1`
    assert main(["check", "a.csv", *options]) == 0
    assert capsys.readouterr().err == ""


def test_options_that_do_nothing_are_told(here, capsys):
    table(here / "a.csv", ROWS)
    for option in (["--tokens"], ["--draw", "3"], ["--max-seq-len", "9"]):
        assert told(capsys, "a.csv", *option) == ["needs_tokenizer"]
    for option in ("--workers=0", "--draw=0", "--max-seq-len=-1"):
        with pytest.raises(SystemExit):
            main(["check", "a.csv", option])


CONFIG = """
provider: hf_local
model_id: model
dataset: {path: a.jsonl, format: csv_classification}
"""


@pytest.mark.parametrize(
    ("file", "options", "code"),
    [
        ("a.csv", ["--set", "seed=3"], "set_without_config"),
        ("a.csv", ["--fix-kinds", "bom"], "kinds_without_fix"),
        ("c.yaml", ["--format", "jsonl_chat"], "config_decides"),
        ("c.yaml", ["--columns", "text=a", "--max-seq-len", "9"], "config_decides"),
        ("c.yaml", ["--tokenizer", "model"], "config_decides"),
        ("c.yaml", ["--draw", "2"], "draw_without_tokens"),
        ("c.yaml", ["--set", "seed=3"], None),
    ],
)
def test_an_option_without_an_effect_is_a_warning(here, capsys, file, options, code):
    table(here / "a.csv", ROWS)
    jsonl(here / "a.jsonl", ROWS)
    (here / "c.yaml").write_text(CONFIG)
    main(["check", file, *options, "--json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    warned = [
        item["code"].partition(".")[2]
        for item in found
        if item["severity"] == "warning" and item["code"].startswith("doctor_report.")
    ]
    assert warned == ([code] if code else [])


def test_a_folder_with_a_record_alone_says_what_to_type(here, capsys):
    table(here / "a.csv", ROWS)
    assert main(["check", "a.csv", "--write-record", "one"]) == 0
    capsys.readouterr()
    assert told(capsys, "one") == ["record_alone"]
    assert main(["check", "one", "--against", "a.csv"]) == 1  # a record is expected there
    assert main(["check", "one", "--against", "one"]) == 0


def test_a_column_of_no_format_is_refused(here, capsys):
    table(here / "a.csv", ROWS)
    assert main(["check", "a.csv", "--columns", "txt=text"]) == 1
    shown = capsys.readouterr().err
    assert "unknown_column" in shown
    assert "'txt'" in shown
