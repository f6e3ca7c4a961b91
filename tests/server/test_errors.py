"""The form of an error: one, everywhere, frozen here."""

from __future__ import annotations

import json
import re

import pytest

from ft_runtime import messages
from jupyter_ft.server.routes import ROUTES
from jupyter_ft.services.problem import refuse

from .conftest import CONFIG

POSTS = [path for path, handler in ROUTES.items() if "post" in vars(handler)]


def assert_shape(document) -> None:
    assert list(document) == ["code", "message", "findings", "hint"]
    assert "severity" in messages.lookup(document["code"])
    assert document["message"]
    assert document["hint"]
    assert isinstance(document["findings"], list)
    for item in document["findings"]:
        assert list(item) == ["code", "severity", "where", "message", "hint"]


def test_the_body_is_frozen():
    assert refuse(404, "server.no_example", "name", got="x", known="a, b").body() == {
        "code": "server.no_example",
        "message": "There is no example x; there are: a, b.",
        "findings": [
            {
                "code": "server.no_example",
                "severity": "error",
                "where": "name",
                "message": "There is no example x; there are: a, b.",
                "hint": "Take one of these names.",
            }
        ],
        "hint": "Take one of these names.",
    }


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"1", b'"x"', b"null", b"\xff", b"NaN", b'{"config": NaN}', b"[" * 100_000],
    ids=range(10),
)
async def test_a_body_that_is_no_object_is_refused(ask, path, body):
    code, document = await ask(path, body)
    assert (code, document["code"]) == (400, "server.bad_json")
    assert_shape(document)


@pytest.mark.parametrize("path", POSTS)
async def test_every_wrong_field_is_named(ask, path):
    code, document = await ask(path, {"oops": 1, "100%s %d {x}": 2})
    assert code == 400
    assert_shape(document)
    assert {"oops", "100%s %d {x}"} <= {item["where"] for item in document["findings"]}


@pytest.mark.parametrize("path", POSTS)
async def test_another_type_of_body_is_refused(ask, path):
    headers = {"Content-Type": "text/plain"}
    code, document = await ask(path, b"{}", headers=headers)
    assert (code, document["code"]) == (415, "server.unsupported_type")
    assert_shape(document)


@pytest.mark.parametrize("path", [*POSTS, "nothing", "health/more", ""])
async def test_what_does_not_exist_is_said_in_the_same_form(ask, path):
    code, document = await ask(path)
    assert code in (404, 405)
    assert document["code"] in ("server.no_route", "server.bad_method")
    assert_shape(document)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods_are_refused_in_the_same_form(ask, method):
    body = "{}" if method != "DELETE" else None
    code, document = await ask("health", method=method, **({"body": body} if body else {}))
    assert (code, document["code"]) == (405, "server.bad_method")
    assert_shape(document)


@pytest.mark.parametrize(
    "name", ["..%2f..%2fpyproject.toml", "nothing.jsonl", "%25s%25d", "%00", "text_to_sql.sql"]
)
async def test_an_example_is_never_a_path(ask, name):
    code, document = await ask(f"examples/{name}")
    assert (code, document["code"]) in ((404, "server.no_example"), (404, "server.no_route"))
    assert_shape(document)


async def test_percent_signs_and_braces_of_the_user_come_back_as_they_are(ask):
    odd = "95% of {model} %s %(x)s"
    code, document = await ask("generate_notebook", {"config": {**CONFIG, "tune_type": odd}})
    assert code == 400
    assert_shape(document)
    assert odd in document["findings"][0]["message"]


async def test_a_mistake_of_ours_tells_nothing_but_itself(ask, monkeypatch):
    def broken(_body):
        raise RuntimeError("secret 100%")

    monkeypatch.setattr("jupyter_ft.server.routes.notebooks.validate", broken)
    code, document = await ask("validate", {"config": CONFIG})
    assert (code, document["code"]) == (500, "server.internal")
    assert_shape(document)
    assert "secret" not in json.dumps(document)


@pytest.mark.parametrize("levels", [100, 700, 20_000])
@pytest.mark.parametrize("path", ["validate", "generate_notebook", "estimate"])
async def test_a_config_nested_absurdly_deep_is_answered_with_its_field(ask, path, levels):
    deep = '{"a":' * levels + "1" + "}" * levels
    config = json.dumps({**CONFIG, "hyperparams": {"lr_scheduler_kwargs": "DEEP"}})
    code, document = await ask(path, f'{{"config": {config}}}'.replace('"DEEP"', deep))
    assert code == (200 if path == "validate" and "valid" in document else 400)
    told = [(item["code"], item["where"]) for item in document["findings"]]
    # What the reader of JSON itself gives up on has no field yet.
    field = ("config.too_deep", "hyperparams.lr_scheduler_kwargs")
    assert told == [field if levels < 1000 else ("server.bad_json", "")]


async def test_a_text_nested_absurdly_deep_is_answered(ask):
    for text in ("x: " + "[\n" * 5000, "x: " + "[" * 100 + "]" * 100):
        code, document = await ask("validate", {"text": text})
        assert (code, document["valid"]) == (200, False)
        assert document["findings"][0]["code"] in ("config.syntax", "config.too_deep")


async def test_hostile_strings_in_every_field_are_answered(ask):
    odd = [
        "\x00",
        "\ud800",
        "a" * 50_000,
        "<script>",
        "${x}",
        "{{x}}",
        "../../etc/passwd",
        "💥\u202e",
    ]
    for text in odd:
        for path in POSTS:
            body = {
                "config": {**CONFIG, "model_id": text, text: text, "dataset": {"path": text}},
                "path": text,
                "format": text,
                "provider": text,
                "model_id": text,
            }
            code, document = await ask(path, json.dumps(body))
            assert code in (200, 400, 403, 404), (path, text[:20])
            if code != 200:
                assert_shape(document)
            assert not re.search(r"Traceback", json.dumps(document))
