"""The fixture ``wizard``, for modules that say ``pytest_plugins``: Colab's tests have no conftest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_ft import Wizard
from support.shells import end_shell


@pytest.fixture
def wizard(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Wizard]:
    monkeypatch.chdir(tmp_path)
    # A link makes a shell. Its folder is not the user's, and it does not outlive the test; IPython
    # warns where another environment is active in the terminal.
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    yield Wizard()
    end_shell()
