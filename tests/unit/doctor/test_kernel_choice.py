"""When the compiled kernels are used, where they are kept, and that nothing depends on them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from ft_runtime.cli import main
from ft_runtime.doctor import kernels, scan
from ft_runtime.doctor.kernels import choice, code
from ft_runtime.doctor.kernels.choice import WORTH_COMPILING, WORTH_LOADING
from ft_runtime.doctor.kernels.sweep import KEPT
from support.kernels import use


@pytest.mark.parametrize(
    ("switch", "installed", "compiled", "size", "expected"),
    [
        ("", True, True, WORTH_LOADING, True),
        ("", True, True, WORTH_LOADING - 1, False),
        ("", True, False, WORTH_COMPILING - 1, False),
        ("", True, False, WORTH_COMPILING, True),
        ("", False, True, WORTH_COMPILING, False),
        ("off", True, True, WORTH_COMPILING, False),
        ("on", True, False, 0, True),
        ("on", False, False, 0, False),
    ],
)
def test_they_are_used_where_it_pays(monkeypatch, switch, installed, compiled, size, expected):
    monkeypatch.setenv("FT_KERNELS", switch)
    monkeypatch.setattr(choice, "available", lambda: installed)
    monkeypatch.setattr(choice, "compiled", lambda: compiled)
    assert kernels.wanted(size) is expected


@pytest.mark.parametrize(
    ("switch", "cache", "compiled", "size", "expected"),
    [
        ("", "here", False, WORTH_LOADING, True),
        ("", "here", False, WORTH_LOADING - 1, False),
        ("", "here", True, WORTH_LOADING, False),
        ("", "off", False, WORTH_LOADING, False),
        ("off", "here", False, WORTH_LOADING, False),
        ("on", "here", False, WORTH_LOADING, False),
    ],
)
def test_a_scan_knows_what_it_missed(
    tmp_path, monkeypatch, switch, cache, compiled, size, expected
):
    monkeypatch.setenv("FT_KERNELS", switch)
    monkeypatch.setenv("FT_CACHE", str(tmp_path) if cache == "here" else cache)
    monkeypatch.setattr(choice, "compiled", lambda: compiled)
    assert kernels.missed(size) is expected


@pytest.mark.parametrize("missed", [True, False])
def test_a_check_tells_what_it_missed(tmp_path, monkeypatch, capsys, missed):
    path = tmp_path / "a.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n')
    sizes = []
    monkeypatch.setattr(kernels, "missed", lambda size: sizes.append(size) or missed)
    assert main(["check", str(path)]) == 0
    assert sizes == [path.stat().st_size]
    assert ("python -m ft_runtime compile" in capsys.readouterr().out) is missed


def test_small_files_import_neither_numba_nor_llvmlite(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n')
    program = (
        "import sys\nfrom ft_runtime.doctor import scan\n"
        f"assert scan({str(path)!r}).rows == 1\n"
        "assert not {'numba', 'llvmlite'} & set(sys.modules)\n"
        "import ft_runtime.doctor.kernels.rows, ft_runtime.doctor.kernels.marks\n"
        "assert not {'numba', 'llvmlite'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_what_is_compiled_is_used_without_numba(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n')
    program = (
        "import sys\nfrom ft_runtime.doctor import kernels, scan\n"
        f"assert scan({str(path)!r}).rows == 1\n"
        "assert kernels.load('rows') and kernels.compiled()\n"
        "assert 'llvmlite' in sys.modules and 'numba' not in sys.modules\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        use("compiled", patch)
        subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "rows.a"
    code.write(path, "name", b"code\n\0")
    assert code.read(path) == ("name", b"code\n\0")
    return path


def test_code_that_is_damaged_is_not_loaded(kept):
    whole = kept.read_bytes()
    for size in range(len(whole)):
        kept.write_bytes(whole[:size])
        assert code.read(kept) is None
    kept.write_bytes(whole[:-1] + b"\1")
    assert code.read(kept) is None
    kept.write_bytes(b"[]\n" + whole)
    assert code.read(kept) is None


def test_code_for_another_processor_is_not_loaded(kept):
    head, machine = kept.read_bytes().split(b"\n", 1)
    known = json.loads(head)
    known["processor"] = "another"
    kept.write_bytes(json.dumps(known).encode() + b"\n" + machine)
    assert code.read(kept) is None


@pytest.fixture
def fresh(monkeypatch):
    """Modules of kernels that are not loaded yet."""
    choice.load.cache_clear()
    for name in choice.MODULES:
        monkeypatch.delitem(sys.modules, f"{choice.__package__}.{name}", raising=False)
    yield
    choice.load.cache_clear()


@pytest.mark.parametrize("missing", ["numba", "llvmlite"])
def test_without_what_they_need_numpy_does_the_work(tmp_path, monkeypatch, fresh, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setenv("FT_KERNELS", "on")
    monkeypatch.setenv("FT_CACHE", str(tmp_path))
    monkeypatch.setattr(choice, "available", lambda: True)
    path = tmp_path / "a.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "a"}\n')
    (file,) = scan(path, format="jsonl_prompt").files
    assert (file.rows, file.fine) == (2, 1)
    assert kernels.load("rows") is None
    assert kernels.load("marks") is None
    assert main(["compile"]) == 1


def test_the_command_says_where_they_are_kept(monkeypatch, capsys):
    use("compiled", monkeypatch)
    assert main(["compile"]) == 0
    assert str(choice.cache_folder()) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cache", "installed", "expected"),
    [("off", True, "data.no_kernel_cache"), ("here", False, "data.no_numba")],
)
def test_the_command_says_why_not(tmp_path, monkeypatch, capsys, cache, installed, expected):
    monkeypatch.setenv("FT_CACHE", str(tmp_path) if cache == "here" else cache)
    monkeypatch.setattr(choice, "available", lambda: installed)
    assert main(["compile"]) == 1
    assert expected in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path, monkeypatch, capsys):
    use("compiled", monkeypatch)
    assert kernels.load("rows")
    (tmp_path / "file").touch()
    monkeypatch.setenv("FT_CACHE", str(tmp_path / "file"))
    assert main(["compile"]) == 1
    assert "data.no_kernel_cache" in capsys.readouterr().err


ANOTHER, TOGETHER = f"{'0' * 16}-{'1' * 16}", "2" * 16
OLD = time.time() - KEPT - 60


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """A cache with code of other versions, of which none is compiled yet of this one."""
    monkeypatch.setenv("FT_CACHE", str(tmp_path))
    folder = choice.cache_folder()

    def put(name: str, age: float = OLD) -> None:
        kept = folder.parent / name
        kept.mkdir(parents=True)
        (kept / "rows.read_rows").write_bytes(b"code")
        os.utime(kept, (age, age))

    def load(name: str) -> object:
        code.write(folder / f"{name}.a", "name", b"code")
        return choice

    # The compiler is not what is tested.
    monkeypatch.setattr(choice, "available", lambda: True)
    load.cache_clear = lambda: None
    monkeypatch.setattr(choice, "load", load)
    return folder, put


def names(folder) -> set[str]:
    return {each.name for each in folder.parent.iterdir()}


def test_compiling_takes_away_what_other_versions_have_left(beside):
    folder, put = beside
    for name in (ANOTHER, TOGETHER, f"{ANOTHER}.swept"):
        put(name)
    assert kernels.compile_all() == folder
    assert names(folder) == {folder.name}
    assert kernels.compiled()


def test_compiling_leaves_what_may_be_in_use(beside, tmp_path):
    folder, put = beside
    version = folder.name.partition("-")[0]
    put(f"{version}-{'3' * 16}")  # this version, on another processor
    put(ANOTHER, time.time() - KEPT / 2)
    put("mine")
    (folder.parent / f"{'4' * 16}").write_bytes(b"no folder")
    (tmp_path / "elsewhere").mkdir()
    (folder.parent / f"{'5' * 16}").symlink_to(tmp_path / "elsewhere")
    before = names(folder)
    assert kernels.compile_all() == folder
    assert names(folder) == before | {folder.name}
    assert all((folder.parent / name / "rows.read_rows").exists() for name in (ANOTHER, "mine"))


def test_nothing_is_taken_away_where_nothing_new_was_compiled(beside):
    folder, put = beside
    assert kernels.compile_all() == folder
    put(ANOTHER)
    assert kernels.compile_all() == folder
    assert ANOTHER in names(folder)


def test_loading_notes_that_the_code_is_in_use(tmp_path, monkeypatch):
    use("compiled", monkeypatch)
    kept = choice.cache_folder()
    monkeypatch.setenv("FT_CACHE", str(tmp_path))
    folder = choice.cache_folder()
    shutil.copytree(kept, folder)
    os.utime(folder, (OLD, OLD))
    choice.load.cache_clear()
    assert kernels.load("rows")
    assert folder.stat().st_mtime > OLD + KEPT


def test_the_name_of_the_folder_tells_sources_from_machines(monkeypatch):
    def key() -> list[str]:
        choice._key.cache_clear()
        return choice._key().split("-")

    version, machine = key()
    monkeypatch.setattr(choice, "_processor", lambda: "another")
    assert key()[0] == version
    assert key()[1] != machine
    monkeypatch.setattr(choice, "_PARTS", ())
    assert key()[0] != version
    choice._key.cache_clear()
