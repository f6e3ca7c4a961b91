"""What the tests of properties try is the same on every machine, and in every order."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import importlib, sys
from support.examples import settle
settle()
from hypothesis import given, settings
from hypothesis import strategies as st
settings.load_profile(sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
@given(st.integers(), st.text(), st.binary())
def draw(number, text, raw):
    print(ascii((number, text, raw)))
draw()
"""


def drawn(profile: str, *modules: str, **variables: str) -> str:
    before = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(filter(None, (str(ROOT), str(ROOT / "tests"), before)))
    # Without the variables by which hypothesis knows a CI, but for those that are given.
    environment = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS")}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, profile, *modules],
        env={**environment, "PYTHONPATH": path, **variables},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


@pytest.mark.parametrize(
    ("modules", "variables"),
    [
        (["ft_runtime.findings", "ft_runtime.doctor.near", "ft_runtime.doctor.csv.split"], {}),
        ([], {"CI": "true"}),
        ([], {"PYTHONHASHSEED": "1"}),
    ],
    ids=["modules", "CI", "hashes"],
)
def test_the_suite_tries_the_same_examples(modules: list[str], variables: dict[str, str]) -> None:
    assert drawn("suite") == drawn("suite", *modules, **variables) != ""


def test_a_search_tries_others_each_time_in_ci_too() -> None:
    assert drawn("search", CI="true") != drawn("search", CI="true")
