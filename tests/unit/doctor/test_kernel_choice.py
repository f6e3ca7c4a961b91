"""When the compiled kernels are used, where they are kept, and that nothing depends on them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ft_runtime.cli import main
from ft_runtime.doctor import kernels, scan
from ft_runtime.doctor.kernels import choice, code
from ft_runtime.doctor.kernels.choice import WORTH_COMPILING, WORTH_LOADING
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
