"""``check`` with a data file: what it prints and writes, and its exit codes."""

from __future__ import annotations

import csv
import json

import pytest
import yaml

from ft_runtime.cli import main
from ft_runtime.doctor.door import columns_of, is_data
from ft_runtime.findings import FindingsError
from support.small_data import ROWS, jsonl, packed, table


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_good_data_is_in_order(here, capsys):
    table(here / "a.csv", ROWS)
    assert main(["check", "a.csv"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("In order: no errors")
    assert "60 rows, 0 broken" in out


def test_bad_data_is_not_and_says_where(here, capsys):
    jsonl(here / "a.jsonl", [*ROWS, {"text": "", "label": "a"}])
    assert main(["check", "a.jsonl"]) == 1
    told = capsys.readouterr()
    assert told.out.startswith("Not in order: 1 kinds of errors")
    assert "a.jsonl:61 text" in told.err


def test_json_csv_and_page_tell_the_same(here, capsys):
    jsonl(here / "a.jsonl", [*ROWS, {"text": "", "label": "a"}])
    command = ["check", "a.jsonl", "--json", "--csv", "f.csv", "--html", "r.html"]
    assert main(command) == 1
    document = json.loads(capsys.readouterr().out)
    codes = {item["code"] for item in document["findings"]}
    with open("f.csv", newline="", encoding="utf-8") as stream:
        assert {row["code"] for row in csv.DictReader(stream)} == codes
    page = (here / "r.html").read_text("utf-8")
    assert all(code in page for code in codes)
    assert document["ok"] is False


def test_a_repair_can_be_checked_again(here, capsys):
    table(here / "a.csv", [*ROWS, {"text": "x", "label": "a "}, ROWS[0]])
    packed(here / "a.csv.gz", here / "a.csv")
    assert main(["check", "a.csv.gz", "--fix", "b.csv"]) == 0
    assert "duplicates 1, label_spaces 1" in capsys.readouterr().out
    assert main(["check", "b.csv", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document["labels"]["counts"]) == {"a", "b", "c"}
    assert document["files"][0]["duplicates"] == 0
    assert main(["check", "a.csv", "--fix", "b.csv"]) == 1
    assert "would_overwrite" in capsys.readouterr().err
    assert main(["check", "a.csv", "--fix", "c.csv", "--fix-kinds", "blank_lines"]) == 0
    assert len((here / "c.csv").read_bytes()) == len((here / "a.csv").read_bytes())


def test_a_safe_split_is_written_and_is_safe(here, capsys):
    rows = [*ROWS, *ROWS[:20], {"text": "", "label": "a"}]
    jsonl(here / "a.jsonl", rows)
    assert main(["check", "a.jsonl", "--write-splits", "parts"]) == 1
    out = capsys.readouterr().out
    paths = yaml.safe_load(out[out.index("dataset:") :])["dataset"]["path"]
    made = {name: (here / path).read_text().splitlines() for name, path in paths.items()}
    assert sorted(line for lines in made.values() for line in lines) == sorted(
        map(json.dumps, rows[:-1])
    )
    texts = {name: {json.loads(line)["text"] for line in lines} for name, lines in made.items()}
    assert not texts["train"] & (texts["val"] | texts["test"])
    assert main(["check", "a.jsonl", "--write-splits", "parts"]) == 1
    assert "would_overwrite" in capsys.readouterr().err


def test_versions_are_compared_through_a_record(here, capsys):
    jsonl(here / "a.jsonl", ROWS)
    (here / "b.json").write_text(json.dumps([*ROWS[1:], {"text": "new", "label": "c"}]))
    assert main(["check", "a.jsonl", "--write-record", "run"]) == 0
    assert main(["check", "b.json", "--against", "run"]) == 0
    assert "1 rows added, 1 removed, 0 edited, 59 as they were" in capsys.readouterr().out
    assert main(["check", "b.json", "--against", "a.jsonl", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["diff"]["added"] == 1
    assert main(["check", "b.json", "--against", "nowhere"]) == 1


def test_columns_can_be_named(here, capsys):
    jsonl(here / "a.jsonl", [{"ask": f"q {i}", "say": f"a {i}"} for i in range(9)])
    assert main(["check", "a.jsonl"]) == 1
    command = ["check", "a.jsonl", "--format", "jsonl_prompt", "--columns", "prompt=ask"]
    assert main([*command, "--columns", "completion=say"]) == 0
    assert columns_of(["text=b,label=d", "input=f=g"]) == {
        "text": "b",
        "label": "d",
        "input": "f=g",
    }
    with pytest.raises(FindingsError, match="bad_columns"):
        columns_of(["a"])
    assert main(["check", "a.jsonl", "--columns", "prompt"]) == 1


def test_a_config_is_told_from_data(here, monkeypatch):
    (here / "c.json").write_text(json.dumps({"model_id": "m", "dataset": {"path": "a"}}))
    (here / "d.json").write_text(json.dumps([{"prompt": "a", "completion": "b"}]))
    (here / "e.json").write_text('{"prompt": "a", "completion": "b"}\n' * 3)
    assert [is_data(name) for name in ("c.json", "d.json", "e.json")] == [False, True, True]
    assert not is_data("x.yaml")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refused)
    assert is_data("c.json")  # and is told to be unreadable by whoever opens data
    assert is_data("x.csv.gz")


def test_a_folder_is_a_finding(here, capsys):
    (here / "data").mkdir()
    assert main(["check", "data"]) == 1
    assert "no_such_folder" in capsys.readouterr().err


def test_a_config_gets_the_report_of_its_data(here, capsys):
    (here / "c.yaml").write_text(
        "model_id: m\ndataset: {path: a.csv, format: csv_classification,"
        " split: {train: 0.8, val: 0.1, test: 0.1, strategy: tail}}\n"
        "eval: {metrics: [accuracy]}\n"
    )
    table(here / "a.csv", sorted(ROWS, key=lambda row: row["label"]))
    main(["check", "c.yaml"])
    told = capsys.readouterr()
    assert "60 rows, 0 broken" in told.out
    assert "strategy: stratified" in told.out
    assert told.err.count("tail_of_sorted") == 1


def test_telephone_numbers_are_found_and_more_of_them_on_request(here, capsys):
    numbers = [
        "+49 170 1234567",
        "+14155552671",
        "(415) 555-2671",
        "0170 1234567",
        "+44 (0)20 7946 0958",
    ]
    others = [
        "4111 1111 1111 1112",
        "2024-01-02",
        "12 345 678 euro",
        "1.234.567",
        "+1 more",
        "0.123 45678",
    ]
    jsonl(
        here / "a.jsonl", [{"prompt": f"call {n} now", "completion": "b"} for n in numbers + others]
    )
    jsonl(here / "b.jsonl", [{"prompt": "is it 415 555 2671", "completion": "no"}])
    for more in ([], ["--phone"]):
        assert main(["check", "a.jsonl", "--json", *more]) == 0
        document = json.loads(capsys.readouterr().out)
        kind = next(each for each in document["kinds"] if each["code"].endswith(".phone"))
        assert kind["rows"] == len(numbers)
        assert kind["where"].startswith("a.jsonl:1, 2, 3, 4, 5")
        assert not any(number in json.dumps(document["findings"]) for number in numbers)
        main(["check", "b.jsonl", "--json", *more])
        document = json.loads(capsys.readouterr().out)
        assert any(each["code"].endswith(".phone") for each in document["kinds"]) == bool(more)


def test_a_file_a_split(here, capsys):
    table(here / "set_train.csv", ROWS[:40])
    table(here / "set-validation.csv", ROWS[38:50])
    table(here / "rest.csv", ROWS[50:])
    files = ["set_train.csv", "set-validation.csv", "test=rest.csv"]
    assert main(["check", *files, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["split"] for each in document["files"]] == ["train", "val", "test"]
    assert document["split"]["strategy"] == "given"
    assert document["split"]["shared_rows"] == 2
    # Parts of one dataset that no name puts on a side are one.
    assert main(["check", "rest.csv", "set_train.csv", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["split"]["strategy"] == "random"
    assert sum(document["split"]["sizes"].values()) == 50
    (here / "c.yaml").write_text("model_id: m\n")
    assert main(["check", "c.yaml", "rest.csv"]) == 1
    assert "not_beside" in capsys.readouterr().err


def test_a_table_of_prompts_is_repaired_as_a_table_and_split_as_json_lines(here, capsys):
    rows = "".join(f'question {i},"answer, {i}"\n' for i in range(40))
    (here / "a.csv").write_text("question,answer\n" + rows + 'question 1,"answer, 1"\n\n')
    assert main(["check", "a.csv", "--fix", "b.csv"]) == 0
    assert (here / "b.csv").read_text() == "question,answer\n" + rows
    capsys.readouterr()
    assert main(["check", "b.csv", "--write-splits", "parts"]) == 0
    assert "parts/train.jsonl" in capsys.readouterr().out
    files = sorted((here / "parts").iterdir())
    assert [path.suffix for path in files] == [".jsonl"] * 3
    made = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    assert len(made) == 40
    assert {"question": "question 7", "answer": "answer, 7"} in made


def test_the_mapping_of_a_table_can_be_pasted_whole(here, capsys):
    whole = table(here / "a.csv", ROWS).read_text(encoding="utf-8")
    (here / "a.csv").write_text(whole.replace("text,label", "utterance,intent"), encoding="utf-8")
    main(["check", "a.csv", "--json"])
    (told,) = [f for f in json.loads(capsys.readouterr().out)["findings"] if "mapping" in f["code"]]
    mapping = told["hint"].partition("columns: ")[2]
    assert yaml.safe_load(mapping) == {"text": "utterance", "label": "intent"}


def test_a_part_with_one_class_is_judged_with_the_others(here, capsys):
    jsonl(here / "train.jsonl", ROWS)
    jsonl(here / "test.jsonl", [{**ROWS[0], "text": f"held out {i}"} for i in range(9)])
    assert main(["check", "train.jsonl", "test.jsonl"]) == 0
    jsonl(here / "train.jsonl", [{**ROWS[0], "text": f"seen {i}"} for i in range(9)])
    assert main(["check", "train.jsonl", "test.jsonl"]) == 1
    assert "All 18 usable rows have the label" in capsys.readouterr().err
