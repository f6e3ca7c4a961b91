"""How the kernel of a run is reached, and what is left of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
import pytest

from jupyter_ft.execution import client, execute_notebook
from jupyter_ft.execution.kernel import ThisPython


@pytest.mark.parametrize(
    ("name", "transport"), [("", "ipc"), ("\N{SNOWMAN}" * 60, "tcp")], ids=["short", "long"]
)
def test_it_has_no_port_where_its_path_is_short_enough_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, transport: str
):
    made: list[ThisPython] = []

    class Noted(ThisPython):
        def __init__(self, **options: object) -> None:
            super().__init__(**options)
            made.append(self)

    monkeypatch.setattr(client, "ThisPython", Noted)
    with tempfile.TemporaryDirectory(dir="/tmp") as short:  # pytest's own may be long
        place = Path(short, name)
        place.mkdir(exist_ok=True)
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
        outcome = execute_notebook(notebook, tmp_path, save=tmp_path / "a.ipynb", show=False)
        assert outcome.status == "ok", outcome
        (manager,) = made
        assert manager.transport == transport
        assert list(place.iterdir()) == []
    assert notebook.cells[0].outputs[0].data["text/plain"] == "2"
