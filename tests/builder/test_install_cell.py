"""The install cell: it adds what is missing, moves nothing, and says what went wrong."""

from __future__ import annotations

import hashlib
import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_ft.builder import build_notebook
from jupyter_ft.builder.runtime_wheel import runtime_wheel
from support.clock import Stopwatch
from support.configs import make_config


@pytest.fixture(autouse=True)
def modules() -> Iterator[None]:
    """The cell runs in this process and forgets ft_runtime: the next test must find the same one."""
    before = {name: found for name, found in sys.modules.items() if _ours(name)}
    yield
    for name in [name for name in sys.modules if _ours(name)]:
        del sys.modules[name]
    sys.modules.update(before)


def _ours(name: str) -> bool:
    return name.split(".")[0] == "ft_runtime"


ALL = make_config(
    "qlora", "jsonl_prompt", eval={"metrics": ["perplexity", "rouge", "bleu", "exact_match"]}
)


class World:
    """An environment with the given versions, in which pip only writes down what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: Any, config: dict, runtime: Any):
        notebook = build_notebook(config, runtime=runtime)
        self.sources = {c.id: c.source for c in notebook.cells if c.id.startswith("install")}
        self.needed = self._names()["NEEDED"]
        self.versions = {name: pin for name, (_, pin) in self.needed.items()}
        self.versions["ft-runtime"] = runtime_wheel().version
        self.pip: list[list[str]] = []
        self.constraints: dict[str, str] = {}
        self.wheel = b""
        self.answer = SimpleNamespace(returncode=0, stdout="", stderr="")
        self._capsys = capsys
        monkeypatch.setattr(importlib.metadata, "version", self._version)
        monkeypatch.setattr(importlib.metadata, "distributions", self._distributions)
        monkeypatch.setattr(subprocess, "run", self._pip)

    def _names(self) -> dict[str, Any]:
        names: dict[str, Any] = {}
        source = self.sources["install-packages"]
        exec(source[source.index("NEEDED = ") : source.index("class InstallError")], names)
        return names

    def _version(self, name: str) -> str:
        if name not in self.versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return self.versions[name]

    def _distributions(self) -> Any:
        odd = [("python-apt", "2.7.7+ubuntu5-1~x"), (None, "1"), ("gone", None)]
        second = [(name.upper(), "0.0.1") for name in self.versions]  # shadowed, later on the path
        for name, version in [*self.versions.items(), *second, *odd]:
            yield SimpleNamespace(metadata={"Name": name}, version=version)

    def _pip(self, command: list[str], **_: Any) -> Any:
        self.pip.append(command)
        path = Path(command[command.index("--constraint") + 1])
        self.constraints = dict(line.split("==") for line in path.read_text().splitlines())
        if command[-1].endswith(".whl"):
            self.wheel = Path(command[-1]).read_bytes()
        return self.answer

    def run(self) -> str:
        names: dict[str, Any] = {}
        if "install-wheel" in self.sources:
            exec(self.sources["install-wheel"], names)
        exec(self.sources["install-packages"], names)
        return self._capsys.readouterr().out

    def asked(self) -> list[str]:
        """What pip was asked to add."""
        (command,) = self.pip
        return command[command.index("--constraint") + 2 :]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path) -> World:
    monkeypatch.chdir(tmp_path)
    return World(monkeypatch, capsys, ALL, "embedded")


def test_when_all_is_there_nothing_is_installed(world: World):
    assert world.run() == "Everything is here; nothing was installed.\n"
    assert world.pip == []


def test_here_where_all_is_there_it_takes_less_than_a_second(
    capsys: Any, monkeypatch: pytest.MonkeyPatch
):
    def refused(command: Any, *_: Any, **__: Any) -> None:
        raise AssertionError(f"another process, whose time would not be counted: {command}")

    monkeypatch.setattr(subprocess, "Popen", refused)
    notebook = build_notebook(ALL)
    names: dict[str, Any] = {}
    watch = Stopwatch()
    with watch.once():
        for cell in notebook.cells:
            if cell.id.startswith("install") and cell.cell_type == "code":
                exec(cell.source, names)
    assert watch.seconds < 1
    assert capsys.readouterr().out == "Everything is here; nothing was installed.\n"


def test_what_is_missing_is_added_at_its_pin_and_nothing_may_move(world: World):
    for name in ("bitsandbytes", "rouge-score", "sacrebleu"):
        del world.versions[name]
    world.versions.update(torch="2.11.0+cu128", transformers="5.15.0")
    out = world.run()
    assert world.asked() == [
        f"{name}=={world.needed[name][1]}" for name in ("bitsandbytes", "rouge-score", "sacrebleu")
    ]
    assert "No restart is needed" in out
    assert world.constraints["torch"] == "2.11.0+cu128"
    assert world.constraints["transformers"] == "5.15.0"
    kept = {name.lower() for name in world.versions} - {"ft-runtime"}
    assert set(world.constraints) == kept, "all that is installed, once, and nothing that is not"


def test_what_is_too_old_is_told_and_nothing_is_touched(world: World):
    world.versions["transformers"] = "4.57.6"
    with pytest.raises(Exception, match=r"transformers 4\.57\.6 is installed.*5\.15") as caught:
        world.run()
    assert type(caught.value).__name__ == "InstallError"
    assert caught.value._render_traceback_()[-1].startswith('Type: %pip install -U "transformers>=')
    assert world.pip == []


@pytest.mark.parametrize("version", ["5.15", "5.15.0", "5.15.0.dev0", "5.100.1", "6.0.0", "10.1"])
def test_what_is_new_enough_is_kept(world: World, version: str):
    world.versions["transformers"] = version
    world.run()
    assert world.pip == []


def test_a_failure_of_pip_is_told_with_its_last_words(world: World):
    del world.versions["bitsandbytes"]
    world.answer = SimpleNamespace(returncode=1, stdout="", stderr="a\nERROR: No matching\n")
    with pytest.raises(Exception, match=r"bitsandbytes==.*nothing was changed") as caught:
        world.run()
    assert "ERROR: No matching" in str(caught.value)


@pytest.mark.parametrize("version", [None, "0.0.9"])
def test_the_packed_runtime_is_used_when_there_is_none_of_its_version(
    world: World, version: str | None
):
    del world.versions["ft-runtime"]
    if version:
        world.versions["ft-runtime"] = version
    world.run()
    assert world.wheel == runtime_wheel().data
    assert "ft-runtime" not in world.constraints


def test_a_damaged_packed_runtime_is_refused(world: World):
    del world.versions["ft-runtime"]
    source = world.sources["install-packages"]
    sha256 = runtime_wheel().sha256
    world.sources["install-packages"] = source.replace(sha256, hashlib.sha256(b"").hexdigest())
    with pytest.raises(Exception, match="damaged"):
        world.run()
    assert world.pip == []


@pytest.mark.parametrize("runtime", ["embedded", "wheel"])
def test_a_wheel_beside_the_notebook_comes_first(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path, runtime: Any
):
    monkeypatch.chdir(tmp_path)
    beside = tmp_path / runtime_wheel().name
    beside.write_bytes(runtime_wheel().data)
    world = World(monkeypatch, capsys, ALL, runtime)
    del world.versions["ft-runtime"]
    world.run()
    assert world.asked() == [str(beside)]


def test_a_wheel_beside_the_notebook_that_is_another_file_is_not_used(world: World, tmp_path: Path):
    (tmp_path / runtime_wheel().name).write_bytes(b"another")
    del world.versions["ft-runtime"]
    assert "SHA-256 differs" in world.run()
    assert world.wheel == runtime_wheel().data


def test_without_a_wheel_the_index_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    for runtime in ("wheel", "index"):
        world = World(monkeypatch, capsys, ALL, runtime)
        del world.versions["ft-runtime"]
        world.run()
        assert world.asked() == [f"ft-runtime=={runtime_wheel().version}"]


@pytest.mark.parametrize(
    ("config", "extra"),
    [
        (make_config("full", logs="none", eval={"metrics": ["perplexity"]}), set()),
        (make_config("lora", logs="none", eval={"metrics": ["perplexity"]}), {"peft"}),
        (
            make_config("qlora", logs="none", eval={"metrics": ["exact_match"]}),
            {"peft", "bitsandbytes"},
        ),
        (make_config("full", eval={"metrics": ["rouge"]}), {"rouge-score", "tensorboard"}),
        (make_config("full", logs="none", eval={"metrics": ["bleu"]}), {"sacrebleu"}),
        (make_config("full", "csv_classification", logs="none"), {"scikit-learn"}),
        (
            make_config(
                "full",
                logs="none",
                eval={"metrics": ["perplexity"]},
                hyperparams={"optimizer": "paged_adamw_8bit"},
            ),
            {"bitsandbytes"},
        ),
    ],
)
def test_only_what_the_config_needs_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, config: dict, extra: set[str]
):
    world = World(monkeypatch, capsys, config, "index")
    base = {"torch", "transformers", "accelerate", "datasets", "jsonschema", "PyYAML"}
    base |= {"msgspec", "orjson", "xxhash"}
    assert set(world.needed) == base | extra
