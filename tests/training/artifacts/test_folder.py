import errno
import os
import shutil
import subprocess
from collections import namedtuple

import pytest

from ft_runtime.artifacts.folder import (
    SUMS,
    is_disk_full,
    list_files,
    megabytes,
    restore,
    whole_folder,
    write_sums,
)
from ft_runtime.findings import FindingsError

Usage = namedtuple("Usage", "total used free")


def fill(folder, text="new"):
    (folder / "a.txt").write_text(text)
    (folder / "sub").mkdir()
    (folder / "sub" / "b.bin").write_bytes(b"\0\1")


def fail(target, error):
    with whole_folder(target, 10) as work:
        fill(work)
        raise error


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_whole_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "run" / "adapter"
    with whole_folder(target, 10) as work:
        fill(work)
        assert not target.exists()
        assert work.parent == target.parent
    assert (target / "a.txt").read_text() == "new"
    assert names(target.parent) == ["adapter"]
    assert target.stat().st_mode & 0o777 == 0o777 & ~_umask()


def test_a_folder_that_is_there_is_replaced_as_a_whole(tmp_path):
    target = tmp_path / "adapter"
    target.mkdir()
    (target / "old.txt").write_text("old")
    with whole_folder(target, 10) as work:
        fill(work)
    assert names(target) == ["a.txt", "sub"]
    assert names(tmp_path) == ["adapter"]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_folder_and_nothing_half_written(tmp_path, error):
    target = tmp_path / "adapter"
    target.mkdir()
    (target / "old.txt").write_text("old")
    with pytest.raises(type(error)):
        fail(target, error)
    assert names(tmp_path) == ["adapter"]
    assert (target / "old.txt").read_text() == "old"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError('I/O error: Os { code: 28, kind: StorageFull, message: "No space left" }'),
        RuntimeError("No space left on device (os error 28)"),
    ],
)
def test_a_disk_that_fills_up_is_a_finding_and_loses_nothing(tmp_path, error):
    target = tmp_path / "adapter"
    target.mkdir()
    (target / "old.txt").write_text("old")
    with pytest.raises(FindingsError) as caught:
        fail(target, error)
    assert [item.code for item in caught.value.findings] == ["artifacts.disk_full"]
    assert names(tmp_path) == ["adapter"]
    assert (target / "old.txt").read_text() == "old"


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 5 * 10**6))
    with (
        pytest.raises(FindingsError) as caught,
        whole_folder(tmp_path / "run" / "adapter", 10**7),
    ):
        raise AssertionError("nothing should be written")
    found = caught.value.findings[0]
    assert found.code == "artifacts.disk_full"
    assert "5.0 MB are free" in found.message
    assert "11.0 MB are needed" in found.message
    assert names(tmp_path / "run") == []


def test_a_folder_that_may_not_be_written_is_a_finding(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FindingsError) as caught, whole_folder(tmp_path / "file" / "adapter", 1):
        pass
    assert caught.value.findings[0].code == "artifacts.cannot_write"


def test_an_error_behind_another_is_found():
    inner = OSError(errno.ENOSPC, "full")
    outer = RuntimeError("writing failed")
    outer.__cause__ = inner
    assert is_disk_full(outer)
    assert not is_disk_full(RuntimeError("something else"))
    assert not is_disk_full(None)


def test_a_kill_between_the_renames_is_put_right(tmp_path):
    target = tmp_path / "adapter"
    (tmp_path / ".adapter.old").mkdir()
    (tmp_path / ".adapter.old" / "old.txt").write_text("old")
    (tmp_path / ".adapter.new-abc").mkdir()
    restore(target)
    assert names(tmp_path) == ["adapter"]
    assert (target / "old.txt").read_text() == "old"

    (tmp_path / ".adapter.old").mkdir()
    restore(target)
    assert names(tmp_path) == ["adapter"]
    assert (target / "old.txt").read_text() == "old"


def test_sums_are_those_of_sha256sum(tmp_path):
    fill(tmp_path)
    files = write_sums(tmp_path)
    assert [(item.name, item.bytes) for item in files] == [("a.txt", 3), ("sub/b.bin", 2)]
    assert list_files(tmp_path) == files
    # In other languages "OK" is another word.
    checked = subprocess.run(
        ["sha256sum", "-c", SUMS], cwd=tmp_path, capture_output=True, check=True, text=True,
        env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    assert checked.stdout.splitlines() == ["a.txt: OK", "sub/b.bin: OK"]


def test_sizes_for_people():
    assert [megabytes(0), megabytes(1_234_567), megabytes(4_560_000_000)] == [
        "0.0 MB",
        "1.2 MB",
        "4.56 GB",
    ]


def _umask():
    current = os.umask(0)
    os.umask(current)
    return current
