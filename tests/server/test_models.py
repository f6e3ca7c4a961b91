"""Checks of models: on a stand-in hub, and in folders."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from jupyter_ft.services.estimate.service import estimate
from jupyter_ft.services.models import HubClient, check_model
from jupyter_ft.services.places import Root
from support.hub import SETTINGS, TOKEN, serve

from .conftest import PATIENCE
from .test_routes import check

LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "vocab_size": 100,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
}
# Embeddings, two layers of four square matrices, three of the gate and two norms, and a norm.
PARAMETERS = 100 * 64 + 2 * (4 * 64 * 64 + 3 * 64 * 128 + 2 * 64) + 64


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch, tmp_path):
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


def make_model(folder: Path, config=LLAMA, tokenizer=None, **settings) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(weights({"a": [10, 20], "b": [5]}))
    tokenizer = {"chat_template": "{{ messages }}"} if tokenizer is None else tokenizer
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    if settings:
        (folder / SETTINGS).write_text(json.dumps(settings))
    return folder


def weights(shapes: dict[str, list[int]], cut: int = 0) -> bytes:
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4 * int(__import__("math").prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return (struct.pack("<Q", len(text)) + text + b"\0" * at)[: -cut or None]


@pytest.fixture
def hub(tmp_path):
    with serve(tmp_path / "hub") as running:
        yield running


@contextmanager
def closed_port() -> Iterator[int]:
    """A port at which nobody listens, and that nobody else gets meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def ask_hub(hub, model_id: str, revision: str | None = None, timeout: float = PATIENCE):
    body = {"provider": "hf_hub", "model_id": model_id}
    if revision is not None:
        body["revision"] = revision
    document = check_model(body, Root(None), HubClient(getattr(hub, "url", hub), timeout))
    check("Model", document)
    return document


def codes(document) -> list[str]:
    return [item["code"] for item in document["findings"]]


def test_a_model_of_the_hub(hub):
    make_model(hub.root / "owner/model")
    document = ask_hub(hub, "owner/model")
    assert document == {
        "exists": True,
        "kind": "hub",
        "gated": False,
        "licence": None,
        "architecture": "LlamaForCausalLM",
        "parameters": PARAMETERS,
        "context_length": 512,
        "chat_template": True,
        "quantised": None,
        "commit": hub.commit("owner/model"),
        "findings": [],
    }


def test_an_answer_is_asked_for_once(hub):
    make_model(hub.root / "owner/model")
    client = HubClient(hub.url, PATIENCE)
    body = {"provider": "hf_hub", "model_id": "owner/model"}
    first = check_model(body, Root(None), client)
    count = len(hub.requests)
    assert check_model(body, Root(None), client) == first
    assert len(hub.requests) == count


def test_a_failure_is_remembered_for_estimates_and_asked_again_by_a_check(hub):
    client = HubClient(hub.url, PATIENCE)
    config = {"model_id": "owner/model", "dataset": {"path": "a.jsonl", "format": "jsonl_chat"}}
    for _ in range(3):
        document = estimate({"config": config}, Root(None), client)
        assert codes(document) == ["models.hub_not_found", "server.model_unread"]
    assert len(hub.requests) == 1
    make_model(hub.root / "owner/model")
    body = {"provider": "hf_hub", "model_id": "owner/model"}
    assert check_model(body, Root(None), client)["exists"]
    document = estimate({"config": config}, Root(None), client)
    check("Estimate", document)
    assert document["parameters"] == PARAMETERS


@pytest.mark.parametrize(
    ("model_id", "code"),
    [
        ("owner/nothing", "models.hub_not_found"),
        ("nothing", "models.hub_not_found"),
        ("owner/private", "models.hub_not_found"),
        ("owner/gated", "models.gated"),
        ("owner/broken", "server.hub_failed"),
        ("owner/busy", "server.hub_failed"),
        ("a/b/c", "models.bad_id"),
        ("../../etc", "models.bad_id"),
        ("owner/..", "models.bad_id"),
        ("owner/a?b=c", "models.bad_id"),
        ("", "models.bad_id"),
        ("95%/x\r\nHost: evil", "models.bad_id"),
    ],
)
def test_what_the_hub_refuses_is_a_finding(hub, model_id, code):
    make_model(hub.root / "owner/private", private=True)
    make_model(hub.root / "owner/gated", gated="manual")
    make_model(hub.root / "owner/broken", status=500)
    make_model(hub.root / "owner/busy", status=429)
    document = ask_hub(hub, model_id)
    assert codes(document) == [code]
    assert document["exists"] == (code == "models.gated")
    assert document["gated"] is (True if code == "models.gated" else None)


def test_a_revision_that_does_not_exist_is_said(hub):
    make_model(hub.root / "owner/model", tags=["v1"])
    assert codes(ask_hub(hub, "owner/model", "v1")) == []
    assert codes(ask_hub(hub, "owner/model", "v2")) == ["models.no_revision"]
    assert codes(ask_hub(hub, "owner/model", "../../x")) == ["models.no_revision"]


def test_the_token_opens_private_and_gated_models(hub, monkeypatch, tmp_path):
    make_model(hub.root / "owner/private", private=True)
    make_model(hub.root / "owner/gated", gated="manual")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert codes(ask_hub(hub, "owner/private")) == []
    document = ask_hub(hub, "owner/gated")
    assert (document["gated"], document["parameters"], codes(document)) == (True, PARAMETERS, [])
    monkeypatch.delenv("HF_TOKEN")
    (tmp_path / "home").mkdir()
    (tmp_path / "home/token").write_text(f"{TOKEN}\n")
    assert codes(ask_hub(hub, "owner/private")) == []


class Elsewhere(BaseHTTPRequestHandler):
    """Sends everybody to another host, or answers oddly; remembers what it was shown."""

    goal = ""
    body = b"[]"
    seen: list[str] = []

    def do_GET(self):
        self.seen.append(self.headers.get("Authorization") or "")
        if self.goal:
            self.send_response(307)
            self.send_header("Location", self.goal + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def elsewhere(request):
    handler = type("Handler", (Elsewhere,), {"seen": [], **getattr(request, "param", {})})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_token_is_shown_to_no_other_host(hub, elsewhere, monkeypatch):
    url, handler = elsewhere
    other = HTTPServer(("127.0.0.1", 0), type("Other", (Elsewhere,), {"goal": url, "seen": []}))
    thread = threading.Thread(target=other.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    ask_hub(f"http://127.0.0.1:{other.server_port}", "owner/model")
    other.shutdown()
    other.server_close()
    thread.join()
    assert other.RequestHandlerClass.seen == ["Bearer hf_secret"]
    assert handler.seen == [""]


@pytest.mark.parametrize(
    "elsewhere",
    [{"body": b} for b in (b"[]", b"<html>", b"", b'{"siblings": [1]}', b'{"siblings": {"a": 1}}')],
    indirect=True,
)
def test_an_odd_answer_is_a_finding(elsewhere):
    assert codes(ask_hub(elsewhere[0], "owner/model")) == ["server.hub_unreachable"]


def test_an_offline_machine_is_a_finding(monkeypatch):
    with closed_port() as port:
        address = f"http://127.0.0.1:{port}"
        assert codes(ask_hub(address, "a/b")) == ["server.hub_unreachable"]
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert codes(ask_hub(address, "a/b")) == ["server.hub_offline"]


def test_a_name_that_nobody_knows_is_a_finding(monkeypatch):
    """Not asked of the network, where some answer for every name, and some only after a minute."""

    def unknown(*_arguments, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    document = ask_hub("http://no-such-host.invalid", "a/b")
    assert codes(document) == ["server.hub_unreachable"]
    assert "Name or service not known" in document["findings"][0]["message"]


def test_a_hub_that_does_not_answer_is_a_finding():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        document = ask_hub(f"http://127.0.0.1:{port}", "a/b", timeout=0.2)
    assert codes(document) == ["server.hub_timeout"]
    assert "0.2 s" in document["findings"][0]["message"]


@pytest.mark.parametrize(
    ("config", "tokenizer", "code", "field", "value"),
    [
        (
            {**LLAMA, "quantization_config": {"quant_method": "gptq"}},
            None,
            "server.already_quantised",
            "quantised",
            "gptq",
        ),
        ({**LLAMA, "auto_map": {"AutoModel": "x.y"}}, None, "server.remote_code", "exists", True),
        (LLAMA, {"pad_token": "x"}, "server.no_template", "chat_template", False),
        ({"model_type": "new"}, None, None, "parameters", None),
    ],
)
def test_what_a_model_is_like_is_told(hub, config, tokenizer, code, field, value):
    make_model(hub.root / "owner/model", config, tokenizer)
    document = ask_hub(hub, "owner/model")
    assert codes(document) == ([code] if code else [])
    assert document[field] == value


def ask_folder(root: Path, model_id: str):
    client = HubClient("http://127.0.0.1:9")
    document = check_model({"provider": "hf_local", "model_id": model_id}, Root(root), client)
    check("Model", document)
    return document


def test_a_model_in_a_folder(tmp_path):
    folder = make_model(tmp_path / "root/models/llama")
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\ntext")
    for name in ("models/llama", str(folder)):
        document = ask_folder(tmp_path / "root", name)
        assert document["findings"] == []
        assert document["parameters"] == PARAMETERS
        assert (document["licence"], document["kind"]) == ("apache-2.0", "local")


def test_parameters_of_an_unknown_type_come_from_the_weights(tmp_path):
    make_model(tmp_path / "model", {"model_type": "new"})
    assert ask_folder(tmp_path, "model")["parameters"] == 205


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f: (f / "config.json").unlink(), "models.no_config"),
        (lambda f: (f / "config.json").write_text("{"), "models.bad_config"),
        (lambda f: (f / "model.safetensors").unlink(), "models.no_weights"),
        (
            lambda f: (f / "model.safetensors").write_bytes(weights({"a": [9]}, 1)),
            "models.corrupt_weights",
        ),
        (lambda f: (f / "model.safetensors").write_bytes(b"\xff" * 9), "models.corrupt_weights"),
        (lambda f: (f / "model.safetensors").write_bytes(b""), "models.corrupt_weights"),
        (
            lambda f: (f / "model.safetensors").write_text("version https://git-lfs.github.com"),
            "models.lfs_pointer",
        ),
        (
            lambda f: (f / "model.safetensors.index.json").write_text(
                '{"weight_map": {"a": "model-2.safetensors"}}'
            ),
            "models.missing_shards",
        ),
    ],
)
def test_a_folder_that_is_not_whole_is_told(tmp_path, change, code):
    change(make_model(tmp_path / "model"))
    assert code in codes(ask_folder(tmp_path, "model"))


@pytest.mark.parametrize(
    ("model_id", "code"),
    [
        ("nothing", "server.no_model_folder"),
        ("model/config.json", "models.not_a_folder"),
        ("../outside", "server.model_outside"),
        ("/etc", "server.model_outside"),
        ("link", "server.model_outside"),
        ("~", "server.model_outside"),
        ("~nobody-of-this-name/x", "server.no_model_folder"),
        ("a\x00b", "server.no_model_folder"),
        ("x" * 5000, "server.no_model_folder"),
    ],
)
def test_folders_outside_are_not_looked_at(tmp_path, model_id, code):
    root = tmp_path / "root"
    make_model(root / "model")
    make_model(tmp_path / "outside")
    (root / "link").symlink_to(tmp_path / "outside")
    document = ask_folder(root, model_id)
    assert codes(document) == [code]
    assert (document["exists"], document["parameters"]) == (
        code == "models.not_a_folder" and False,
        None,
    )


async def test_the_route_uses_the_hub_of_the_settings(ask, hub, jp_serverapp):
    make_model(hub.root / "owner/model")
    jp_serverapp.web_app.settings["ft"].hub_endpoint = hub.url
    body = {"provider": "hf_hub", "model_id": "owner/model"}
    code, document = await ask("models/check", body)
    assert (code, document["parameters"]) == (200, PARAMETERS)
    code, document = await ask("models/check", {**body, "provider": "other"})
    assert (code, document["code"]) == (400, "server.bad_field")
