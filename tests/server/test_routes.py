"""Every route answers what its description promises."""

from __future__ import annotations

import io
import json
import threading
import zipfile

import nbformat
import pytest
from jsonschema import Draft202012Validator

from ft_runtime.config import load_schema
from ft_runtime.config.schema import field_at
from jupyter_ft.builder import build_bundle, build_notebook, notebook_bytes
from jupyter_ft.server.openapi import openapi_document
from jupyter_ft.server.routes import notebooks
from jupyter_ft.services.examples import datasets_folder
from support.clock import Stopwatch

from .conftest import CONFIG


def check(name: str, document: object) -> None:
    """Compare an answer with its schema in the OpenAPI document."""
    api = openapi_document()
    schema = {"$ref": f"#/components/schemas/{name}", "components": api["components"]}
    Draft202012Validator(schema).validate(document)


async def test_health_tells_versions_and_limits(ask):
    code, document = await ask("health")
    assert code == 200
    check("Health", document)
    assert document["api"] == 1
    assert ".jsonl" in document["limits"]["extensions"]


async def test_schema_is_the_file_itself(ask):
    assert await ask("schema") == (200, load_schema())


async def test_presets_name_fields_of_the_schema(ask):
    code, document = await ask("presets")
    assert code == 200
    check("Presets", document)
    for task in document["tasks"]:
        for section, value in task["config"].items():
            for name in value if isinstance(value, dict) else [""]:
                assert field_at(f"{section}.{name}".rstrip(".")), (task["id"], section, name)
    assert {task["level"] for task in document["tasks"]} == {"beginner", "advanced"}


async def test_every_preset_makes_a_valid_config(ask):
    _, document = await ask("presets")
    for task in document["tasks"]:
        config = {"model_id": "owner/model", **task["config"]}
        data = {"path": "rows.jsonl", "format": "jsonl_chat", **config.get("dataset", {})}
        if data["format"] == "csv_classification":
            data["path"] = "rows.csv"
        code, answer = await ask("validate", {"config": {**config, "dataset": data}})
        errors = [item for item in answer["findings"] if item["severity"] == "error"]
        assert (code, errors) == (200, []), task["id"]


async def test_examples_are_listed_and_given(ask):
    code, document = await ask("examples")
    assert code == 200
    check("Examples", document)
    known = {path.name for path in datasets_folder().iterdir() if path.suffix in (".csv", ".jsonl")}
    assert {item["name"] for item in document["examples"]} == known
    for item in document["examples"]:
        assert item["path"] is None  # they lie outside of the folder of this server
        code, response = await ask(f"examples/{item['name']}")
        assert code == 200
        assert len(response.body) == item["bytes"]
        assert response.body == (datasets_folder() / item["name"]).read_bytes()


async def test_validate_completes_a_config(ask):
    code, document = await ask("validate", {"config": CONFIG})
    assert code == 200
    check("Validation", document)
    assert document["valid"]
    assert document["config"]["hyperparams"]["batch_size_train"] == 8
    assert (await ask("validate", {"text": document["yaml"]}))[1]["config"] == document["config"]


@pytest.mark.parametrize("text", ["a: [", "- 1", "", "\x00", "a: &x [*x]"])
async def test_validate_says_what_is_wrong_with_a_text(ask, text):
    code, document = await ask("validate", {"text": text})
    assert code == 200
    check("Validation", document)
    assert not document["valid"]
    assert document["findings"]


async def test_only_what_is_typed_is_checked_in_the_loop_of_the_server(ask, monkeypatch):
    threads = []

    def validate(body):
        threads.append(threading.current_thread())
        return {}

    monkeypatch.setattr(notebooks, "validate", validate)
    for body in ({"config": CONFIG}, {"text": "a: 1"}, {"config": {"a": "x" * 10_000}}):
        assert (await ask("validate", body))[0] == 200
    here = threading.current_thread()
    assert [thread is here for thread in threads] == [True, False, False]


async def test_validate_names_every_wrong_field(ask):
    config = {**CONFIG, "tune_typ": "lora", "hyperparams": {"learning_rate": -1, "num_epochs": "x"}}
    _, document = await ask("validate", {"config": config})
    assert {item["where"] for item in document["findings"]} >= {
        "tune_typ",
        "hyperparams.learning_rate",
        "hyperparams.num_epochs",
    }


async def test_generated_files_are_those_of_the_builder(ask):
    code, response = await ask("generate_notebook", {"config": CONFIG})
    assert (code, response.headers["Content-Type"]) == (200, "application/zip")
    assert response.body == build_bundle(CONFIG).to_zip()
    with zipfile.ZipFile(io.BytesIO(response.body)) as archive:
        assert {"fine_tune.ipynb", "config.yaml", "README.md", "SHA256SUMS"} <= set(
            archive.namelist()
        )


async def test_generate_gives_what_the_accept_header_asks(ask):
    wanted = {"Accept": "application/x-ipynb+json"}
    code, response = await ask("generate_notebook", {"config": CONFIG}, headers=wanted)
    assert (code, response.headers["Content-Type"]) == (200, "application/x-ipynb+json")
    assert response.body == notebook_bytes(build_notebook(CONFIG))
    wanted = {"Accept": "text/html;q=0.9, application/json;q=0.8, application/zip;q=0.1"}
    code, document = await ask("generate_notebook", {"config": CONFIG}, headers=wanted)
    assert code == 200
    check("Cells", document)
    assert document["cells"] == json.loads(json.dumps(build_notebook(CONFIG).cells))
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.from_dict(cell) for cell in document["cells"]],
        metadata=document["metadata"],
    )
    nbformat.validate(notebook)
    code, document = await ask(
        "generate_notebook", {"config": CONFIG}, headers={"Accept": "image/png"}
    )
    assert (code, document["code"]) == (406, "server.not_acceptable")


async def test_generate_refuses_a_config_with_errors_and_names_each(ask):
    config = {**CONFIG, "tune_type": "tiny", "seed": -1}
    code, document = await ask("generate_notebook", {"config": config})
    assert (code, document["code"]) == (400, "config.invalid")
    assert {item["where"] for item in document["findings"]} == {"tune_type", "seed"}


async def test_answers_without_file_or_hub_work_take_less_than_50_ms_of_the_processor(ask):
    for path, body in (
        ("health", None),
        ("schema", None),
        ("presets", None),
        ("openapi", None),
        ("validate", {"config": CONFIG}),
    ):
        await ask(path, body)
        watch = Stopwatch()
        for _ in range(5):
            with watch.once():
                await ask(path, body)
        assert watch.seconds < 0.05, path
