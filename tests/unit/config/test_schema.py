"""The schema is the single place that knows a field: it must say everything about each."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from ft_runtime import messages
from ft_runtime.config.schema import describe, is_section, load_schema, walk

STEPS = {"model", "data", "training", "review"}


def test_the_schema_is_valid():
    Draft202012Validator.check_schema(load_schema())


def test_every_field_has_help_default_and_step():
    required = {"model_id", "dataset.format"}
    for path, field in walk():
        assert field["title"], path
        assert field["description"].endswith("."), path
        assert field["x-step"] in STEPS, path
        assert is_section(field) or path in required or "default" in field, path
        assert describe(field) != "any value", path


def test_every_default_satisfies_its_own_field():
    for path, field in walk():
        if is_section(field) or "default" not in field:
            continue
        for value in [
            field["default"],
            *(case["value"] for case in field.get("x-default-when", [])),
        ]:
            assert Draft202012Validator(field).is_valid(value), (path, value)


def test_every_rule_has_a_message_and_a_field():
    fields = {path for path, _ in walk()}
    for rule in load_schema()["allOf"]:
        assert messages.lookup(rule["x-rule"])["hint"]
        assert rule["x-where"] in fields


def test_aliases_are_no_field_names():
    names = {path.rpartition(".")[2]: path for path, _ in walk()}
    for path, field in walk():
        for alias in field.get("x-aliases", []):
            # "eval" and "type" are sections or words of their own: an alias may be one only elsewhere.
            assert names.get(alias) in (None, "eval", "revision"), (path, alias)
