"""The same input gives the same bytes: twice, elsewhere, and as the golden files say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from ft_runtime.config import load_config
from ft_runtime.files import sha256_bytes
from jupyter_ft.builder import build_bundle, build_notebook, notebook_bytes
from support.clock import quickest
from support.configs import make_config, matrix

GOLDEN = Path(__file__).parent / "golden"
CONFIGS = {
    "full_classification": make_config("full", "csv_classification"),
    "lora_chat": make_config("lora", "jsonl_chat", hw={"device": "cpu"}, logs="none"),
    "qlora_prompt": make_config("qlora", "jsonl_prompt", artifacts={"merge": True}),
}
SUMS = """
import json, sys
from ft_runtime.files import sha256_bytes
from jupyter_ft.builder import build_bundle
for config in json.load(sys.stdin):
    print(sha256_bytes(build_bundle(config).to_zip()))
"""


def sums(configs: list[dict], cwd: Path, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SUMS],
        input=json.dumps(configs),
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_two_builds_are_equal():
    for config in matrix().values():
        assert build_bundle(config).to_zip() == build_bundle(load_config(config)).to_zip()


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "LANG": "C", "LC_ALL": "C", "TZ": "Asia/Tokyo"},
        {"PYTHONHASHSEED": "2", "LANG": "sl_SI.UTF-8", "FT_LANG": "sl", "PYTHONUTF8": "0"},
        {"PYTHONOPTIMIZE": "2", "SOURCE_DATE_EPOCH": "1", "HOME": "/nonexistent"},
    ],
    ids=["other seed", "other language", "other home"],
)
def test_another_process_elsewhere_gives_the_same_bytes(
    tmp_path: Path, environment: dict[str, str]
):
    configs = [*CONFIGS.values(), make_config(model_id="é 漢 'x' \"y\"")]
    expected = [sha256_bytes(build_bundle(config).to_zip()) for config in configs]
    assert sums(configs, tmp_path, **environment) == expected


@pytest.mark.parametrize("name", CONFIGS)
def test_the_notebook_is_the_golden_one(name: str):
    """To accept a change on purpose: ``python tests/builder/update_golden.py``."""
    assert golden_source(name) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def golden_source(name: str) -> str:
    """The notebook as reviewable text; without ft_runtime's bytes, which change with its sources."""
    lines = []
    for cell in build_notebook(CONFIGS[name], runtime="index").cells:
        header = {key: value for key, value in cell.metadata.items() if key != "jupyter_ft"}
        section = cell.metadata.jupyter_ft.section
        kind = "markdown" if cell.cell_type == "markdown" else "code"
        lines.append(
            f"# %% [{kind}] {cell.id} · {section} {json.dumps(header) if header else ''}".rstrip()
        )
        source = cell.source
        if cell.cell_type == "markdown":
            source = "\n".join(f"# {line}".rstrip() for line in source.split("\n"))
        lines += [source, ""]
    return "\n".join(lines)


def test_the_zip_is_plain_and_dated_alike():
    archive = zipfile.ZipFile(BytesIO(build_bundle(CONFIGS["lora_chat"]).to_zip()))
    assert archive.testzip() is None
    for entry in archive.infolist():
        assert entry.compress_type == zipfile.ZIP_STORED
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)


def test_a_notebook_takes_less_than_50_ms():
    config = load_config(CONFIGS["qlora_prompt"])
    notebook_bytes(build_notebook(config))
    assert quickest(lambda: notebook_bytes(build_notebook(config))) < 0.05


def test_nothing_of_this_machine_is_in_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    here = str(Path(__file__).resolve().parents[2]).encode()
    for name, data in build_bundle(CONFIGS["lora_chat"]).files.items():
        for path in (here, str(tmp_path).encode(), sys.prefix.encode()):
            assert path not in data, name
