"""Packages that import a name when it is asked for."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest


@pytest.mark.parametrize("room", ["artifacts", "evaluation"])
def test_every_name_of_a_package_is_there_and_no_other(room):
    package = importlib.import_module(f"ft_runtime.{room}")
    for name in package.__all__:
        assert getattr(package, name).__module__.startswith(f"ft_runtime.{room}.")
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = package.nothing


def test_what_comes_after_the_training_is_not_imported_for_it():
    code = (
        "import sys; import ft_runtime.training.loop;"
        "late = ['ft_runtime.artifacts.card', 'ft_runtime.evaluation.compare'];"
        "assert not set(late) & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
