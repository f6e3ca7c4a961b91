"""Models of the hub: pinned to a commit, and a finding for each way in which they cannot be had."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest

from support.hub import SETTINGS, TOKEN, Hub, run_client, serve

CASES = """
import json, sys
from ft_runtime.config import load_config
from ft_runtime.findings import FindingsError
from ft_runtime.models import find_model

def outcome(model, revision=None):
    config = load_config({"provider": "hf_hub", "model_id": model, "revision": revision,
        "tune_type": "lora",
        "dataset": {"source": "upload_local_path", "path": "a.jsonl", "format": "jsonl_chat"}})
    try:
        found = find_model(config)
    except FindingsError as error:
        return [item.code for item in error.findings]
    return [found.name, found.revision, found.local_only]

print(json.dumps([outcome(*case) for case in json.loads(sys.argv[1])]))
"""

LOAD = """
import json, sys
from ft_runtime.config import load_config
from ft_runtime.devices import detect_device
from ft_runtime.models import load_model, load_tokenizer, model_identity

config = load_config({"provider": "hf_hub", "model_id": sys.argv[1], "revision": sys.argv[2],
    "tune_type": "lora",
    "dataset": {"source": "upload_local_path", "path": "a.jsonl", "format": "jsonl_chat"}})
tokenizer = load_tokenizer(config)
model = load_model(config, detect_device(config), tokenizer)
adapter = model.peft_config["default"]
model.save_pretrained(sys.argv[3])
print(json.dumps({"identity": model_identity(config), "base": adapter.base_model_name_or_path,
    "revision": adapter.revision, "parameters": model.num_parameters()}))
"""


@pytest.fixture
def hub_root(tmp_path: Path, tiny_causal_dir: Path) -> Path:
    root = tmp_path / "hub"
    for name in ("org/model", "org/gated", "org/private", "org/broken"):
        shutil.copytree(tiny_causal_dir, root / name)
    (root / "org/model" / SETTINGS).write_text('{"tags": ["v1"]}')
    (root / "org/gated" / SETTINGS).write_text('{"gated": "manual"}')
    (root / "org/private" / SETTINGS).write_text('{"private": true}')
    (root / "org/broken" / SETTINGS).write_text('{"status": 503}')
    (root / "org/adapter").mkdir()
    (root / "org/adapter/adapter_config.json").write_text("{}")
    (root / "org/gguf").mkdir()
    (root / "org/gguf/model-Q4.gguf").write_bytes(b"GGUF")
    return root


def outcomes(hub: Hub, home: Path, *cases: list[str], **variables: str) -> list[list[object]]:
    result: list[list[object]] = run_client(
        CASES, hub.environment(home, **variables), json.dumps(cases)
    )
    return result


def test_each_way_to_miss_a_model_has_its_finding(hub_root: Path, tmp_path: Path) -> None:
    with serve(hub_root) as hub:
        commit = hub.commit("org/model")
        found = outcomes(
            hub,
            tmp_path / "home",
            ["org/model"],
            ["org/model", "v1"],
            ["org/model", commit],
            ["org/model", "v2"],
            ["org/nothing"],
            ["org/gated"],
            ["org/private"],
            ["org/broken"],
            ["org/adapter"],
            ["org/gguf"],
            ["../secret"],
        )
    assert found == [
        ["org/model", commit, False],
        ["org/model", commit, False],
        ["org/model", commit, False],
        ["models.no_revision"],
        ["models.hub_not_found"],
        ["models.gated"],
        ["models.hub_not_found"],
        ["models.hub_unreachable"],
        ["models.adapter_given"],
        ["models.no_config"],
        ["models.bad_id"],
    ]


def test_a_token_opens_gated_and_private_models(hub_root: Path, tmp_path: Path) -> None:
    with serve(hub_root) as hub:
        found = outcomes(hub, tmp_path / "home", ["org/gated"], ["org/private"], HF_TOKEN=TOKEN)
        assert [item[0] for item in found] == ["org/gated", "org/private"]


def test_a_hub_model_is_loaded_at_one_commit_and_then_without_the_hub(
    hub_root: Path, tmp_path: Path
) -> None:
    home, saved = tmp_path / "home", tmp_path / "adapter"
    with serve(hub_root) as hub:
        commit = hub.commit("org/model")
        told = run_client(LOAD, hub.environment(home), "org/model", "v1", str(saved))
        assert told["identity"] == {"id": "org/model", "revision": commit}
        # The adapter names the base at that commit, so that it is never joined to another.
        assert told["base"] == "org/model"
        assert told["revision"] == commit
        assert not any(request.startswith("GET org/model/resolve/main") for request in hub.requests)
        asked = [["org/model", "v1"], ["org/model", commit], ["org/gated"]]
        offline = outcomes(hub, home, *asked, HF_HUB_OFFLINE="1")
    known = ["org/model", commit, True]
    assert offline == [known, known, ["models.offline"]]
    # The server is gone: nobody answers at its address, which is held so that nobody else takes it.
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        hub.url = f"http://127.0.0.1:{held.getsockname()[1]}"
        gone = outcomes(hub, home, *asked)
    assert gone == [known, known, ["models.hub_unreachable"]]
