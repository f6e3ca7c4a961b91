"""Files that are no files, or change, and what is told across files."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import socket
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool, _ExecutorManagerThread
from contextlib import nullcontext

import pytest

import ft_runtime.doctor.engine as engine
from ft_runtime.doctor import detect, scan
from ft_runtime.findings import FindingsError


def rows(*pairs: tuple[str, str]) -> str:
    return "".join(json.dumps({"prompt": p, "completion": c}) + "\n" for p, c in pairs)


def codes(findings) -> list[str]:
    return [item.code.removeprefix("data.") for item in findings]


def refused(path) -> str:
    (file,) = scan(path).files
    assert file.refused
    assert file.rows == 0
    (code,) = codes(file.findings)
    return code


def test_what_is_no_regular_file_is_refused_at_once(tmp_path, monkeypatch):
    assert refused(tmp_path) == "not_a_file"
    assert refused("/dev/zero") == "not_a_file"
    assert refused(tmp_path / "absent") == "missing_file"
    (tmp_path / "link").symlink_to(tmp_path / "absent")
    assert refused(tmp_path / "link") == "dangling_link"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refused(tmp_path / "loop") in ("unreadable", "dangling_link")
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "not_a_file"  # to open it would wait for ever
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        assert refused("s") == "not_a_file"
    assert refused("nul\0byte") == "unreadable"
    assert refused("file:///etc/hosts") == "url_path"


def test_names_are_taken_as_they_are(tmp_path):
    (tmp_path / "ab.jsonl").write_text(rows(("a", "b")) * 2)
    path = tmp_path / "[a]*b'\n.jsonl"
    path.write_text(rows(("a", "b")))
    assert scan(path).files[0].rows == 1
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jsonl")
    with open(odd, "w") as stream:
        stream.write(rows(("a", "b")))
    (file,) = scan(odd).files
    assert file.rows == 1
    json.dumps(file.to_dict()).encode()


def test_detect_raises_findings_for_what_cannot_be_opened(tmp_path):
    with pytest.raises(FindingsError):
        detect(tmp_path)


@pytest.mark.parametrize("change", ["grow", "shrink", "touch"])
def test_a_file_that_changes_while_it_is_read_gives_an_invalid_result(
    tmp_path, monkeypatch, change
):
    path = tmp_path / "a.jsonl"
    path.write_text(rows(*((str(i), "x") for i in range(200))))
    original = engine.run_task

    def changing(task, feed=None):
        if change == "grow":
            with open(path, "a") as stream:
                stream.write(rows(("new", "row")))
        elif change == "shrink":
            os.truncate(path, 1000)
        else:
            os.utime(path, ns=(1, 1))
        return original(task, feed)

    monkeypatch.setattr(engine, "run_task", changing)
    result = scan(path, workers=1)
    (file,) = result.files
    assert not result.valid
    assert not file.valid
    assert "file_changed" in codes(file.findings)
    assert file.sha256 == ""
    assert file.fine + file.broken == file.rows


@pytest.fixture
def many(tmp_path):
    """A file for several workers, and what one has made of it."""
    path = tmp_path / "a.jsonl"
    path.write_text(rows(*((f"question {i}", "x" * (i % 50)) for i in range(2000))))
    (whole,) = scan(path, workers=1).files
    return path, whole


def same_by_several(path, whole):
    (file,) = scan(path, workers=4, span=10_000).files
    assert (file.rows, file.fine, file.fingerprint) == (2000, whole.fine, whole.fingerprint)
    assert file.sha256 == whole.sha256
    assert file.findings == whole.findings


@pytest.mark.parametrize("alive", [0, 3])
def test_workers_that_are_killed_cost_time_and_no_row(many, monkeypatch, alive):
    class Pool:
        """Gives way as a pool does whose process was killed: some results, then none, then no."""

        def __init__(self) -> None:
            self.asked = 0

        def submit(self, work, task):
            self.asked += 1
            if self.asked > alive + 2:
                raise BrokenProcessPool
            made = Future()
            if self.asked > alive:
                made.set_exception(BrokenProcessPool())
            else:
                made.set_result(work(task))
            return made

    monkeypatch.setattr(engine.pools, "pool", lambda _: nullcontext(Pool()))
    same_by_several(*many)


def test_a_system_without_semaphores_has_one_worker(many, monkeypatch):
    def refused(*_, **__):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(multiprocessing.context.BaseContext, "Lock", refused)
    same_by_several(*many)


@pytest.mark.parametrize("started", [0, 1])
def test_where_no_more_processes_may_be_started_the_work_is_done_here(many, monkeypatch, started):
    begun, start = [], multiprocessing.process.BaseProcess.start

    def refused(process):
        if len(begun) == started:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        start(process)
        begun.append(process)

    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", refused)
    same_by_several(*many)
    for process in begun:
        process.join()


def test_where_no_more_threads_may_be_started_the_work_is_done_here(many, monkeypatch):
    begun, begin = [], multiprocessing.process.BaseProcess.start

    def noted(worker):
        begin(worker)
        begun.append(worker)

    def refused(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", noted)
    monkeypatch.setattr(_ExecutorManagerThread, "start", refused)
    same_by_several(*many)
    for worker in begun:
        worker.join()


def test_duplicates_conflicts_and_leaks_are_told_with_their_lines(tmp_path):
    train, test = tmp_path / "train.jsonl", tmp_path / "test.jsonl"
    train.write_text("broken\n" + rows(("a", "1"), ("b", "2"), ("a", "1"), ("b", "3"), ("c", "4")))
    test.write_text(rows(("z", "9"), ("a", "1"), ("c", "5")))
    result = scan({"train": train, "test": test}, format="jsonl_prompt")
    one, two = result.files
    assert (one.duplicates, one.conflicts) == (1, 1)
    messages = {item.code: item.message for item in one.findings + result.findings}
    assert "2 = 4" in messages["data.duplicate_rows"]
    assert "3 = 5" in messages["data.prompt_conflicts"]
    assert "1 row(s) of test are in train" in messages["data.files_share_rows"]
    assert "lines 2)" in messages["data.files_share_rows"]
    assert "lines 3)" in messages["data.files_share_prompts"]
    assert (two.split, two.duplicates) == ("test", 0)


def test_formats_and_mappings_are_proposed(tmp_path):
    path = tmp_path / "a.jsonl"
    for row, form, columns in (
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}, "jsonl_chat", {"messages": "conversations"}),
        ({"instruction": "a", "input": "", "output": "b"}, "jsonl_instr", {}),
        ({"question": "a", "answer": "b"}, "jsonl_prompt", {"prompt": "question", "completion": "answer"}),
        ({"sentence": "a", "category": "b"}, "csv_classification", {"text": "sentence", "label": "category"}),
    ):  # fmt: skip
        path.write_text(json.dumps(row) + "\n")
        found = detect(path)
        assert (found.format, found.columns) == (form, columns)
        (file,) = scan(path).files
        assert (file.rows, file.broken) == (1, 0), file.log
    path.write_text('{"chosen": "a", "rejected": "b", "prompt": "c"}\n')
    assert "preference_data" in codes(scan(path).files[0].findings)
    path.write_text('{"foo": 1}\n')
    assert "unknown_format" in codes(scan(path).files[0].findings)


def test_a_million_errors_stay_small(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("{}\n" * 20_000)
    (file,) = scan(path, format="jsonl_chat").files
    assert file.broken == 20_000
    assert file.log.rows["missing_field"] == 20_000
    assert len(file.log.kept["missing_field"]) == 200
    assert "mostly_broken" in codes(file.findings)
    assert len(json.dumps(file.to_dict())) < 200_000


def test_one_row_and_preview(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(rows(("a", "b")).rstrip("\n"))
    (file,) = scan(path).files
    assert (file.rows, file.fine, file.lines) == (1, 1, 1)
    assert file.preview == [{"line": 1, "text": rows(("a", "b")).rstrip("\n"), "fine": True}]
