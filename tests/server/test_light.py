"""The server process stays light, and installing enables the extension."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HEAVY = ("torch", "transformers", "datasets", "peft", "accelerate", "tokenizers", "pyarrow")
ROOT = Path(__file__).parents[2]

SCRIPT = """
import json, sys
from pathlib import Path
import jupyter_server.serverapp
import jupyter_ft
(point,) = jupyter_ft._jupyter_server_extension_points()
assert point["app"].name == point["module"] == "jupyter_ft"
from jupyter_ft.services.estimate.service import estimate
from jupyter_ft.services.examples import examples, datasets_folder
from jupyter_ft.services.generate import generate
from jupyter_ft.services.models import HubClient, check_model
from jupyter_ft.services.places import Root
from jupyter_ft.services.presets import presets
from jupyter_ft.services.preview import Limits, preview
from jupyter_ft.services.child import Child
from jupyter_ft.services.hub_datasets import HubDatasets
from jupyter_ft.services.render import render
from jupyter_ft.services.validate import validate
# Tables are split with numpy: the first preview may load it, the start of the server must not.
assert "numpy" not in sys.modules
root, hub = Root(datasets_folder()), HubClient("http://127.0.0.1:9", 0.5)
config = {"model_id": "a/b", "dataset": {"path": "chat.jsonl", "format": "jsonl_chat"}}
look = {"path": "chat.jsonl", "format": "jsonl_chat", "provider": "hf_hub", "model_id": "a/b"}
assert validate({"config": config})["valid"]
assert generate({"config": config}).data
no = Child("/bin/false")
datasets = HubDatasets(hub, no)
assert preview({"path": "chat.jsonl"}, root, Limits(), datasets)["complete"]
assert preview({"id": "a/b"}, root, Limits(), datasets)["findings"]
assert render(look, root, Limits(), no, datasets)["findings"]
assert check_model({"provider": "hf_hub", "model_id": "a/b"}, root, hub)["findings"]
assert estimate({"config": config}, root, hub)["findings"]
assert presets() and examples(root)
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def test_no_service_brings_a_heavy_library_into_the_server():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & set(HEAVY)


def test_the_config_that_is_installed_enables_the_extension():
    folder = ROOT / "jupyter-config" / "jupyter_server_config.d"
    document = json.loads((folder / "jupyter_ft.json").read_text())
    assert document == {"ServerApp": {"jpserver_extensions": {"jupyter_ft": True}}}
    project = (ROOT / "pyproject.toml").read_text()
    assert (
        '"jupyter-config/jupyter_server_config.d" = "etc/jupyter/jupyter_server_config.d"'
        in project
    )
