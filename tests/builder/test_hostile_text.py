"""Whatever a user types comes back as a value, and changes nothing else."""

from __future__ import annotations

import ast
import html
import re
from typing import Any

import nbformat
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ft_runtime.config import Config, check_config, parse_text
from jupyter_ft.builder import build_bundle, build_notebook
from jupyter_ft.builder.cells import literal, markdown
from support.configs import make_config

NASTY = [
    "'", '"', "\\", "'''", '"""', "\\'", "'+__import__('os').system('id')+'", "{{ config }}",
    "{% raw %}", "{# #}", "%%bash\nid", "\n!rm -rf /", "?", "x?", "\u2028import os\u2029", "\x85id",
    "\x0bid\x0c", "$(id)", "`id`", "; id", "| id |", "<script>alert(1)</script>", "</code><b>",
    "&amp;#60;", "# title", "](javascript:x)", "$$x$$", "\\(x\\)", "a|b", "\u202eevil", "\r\n", "\t",
    "NaN", "None", "1e5", "yes", "é č 漢 🙂", "https://x.y", "-- \n---\n", "    code", "\0",
]  # fmt: skip
text = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.lists(st.sampled_from(NASTY), min_size=2, max_size=4).map("".join),
)


def filled(fields: dict[str, str]) -> dict[str, Any]:
    """A config with the texts in every field that takes free text."""
    return make_config(
        "lora",
        "jsonl_prompt",
        model_id=fields["model_id"],
        revision=fields["revision"],
        lora={"target_modules": ["q_proj", fields["module"]]},
        dataset={
            "path": {"train": fields["train"], "val": fields["val"]},
            "columns": {"prompt": fields["column"]},
        },
        artifacts={
            "output_dir": fields["output_dir"],
            "push_to_hub": True,
            "hub_model_id": fields["repository"],
        },
    )


FIELDS = ("model_id", "revision", "module", "train", "val", "column", "output_dir", "repository")
BENIGN = {name: f"plain-{name}" for name in FIELDS}
VALUE = re.compile(r"<code>[^<>]*</code>")


def config_cell(notebook: nbformat.NotebookNode) -> str:
    return next(c.source for c in notebook.cells if c.id == "config-values")


def rest(notebook: nbformat.NotebookNode) -> list[str]:
    """Everything but the values: code without the config, markdown with its values taken out."""
    return [
        cell.source if cell.cell_type == "code" else VALUE.sub("<code/>", cell.source)
        for cell in notebook.cells
        if cell.id != "config-values"
    ]


PLAIN = rest(build_notebook(filled(BENIGN)))


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, text)))
@example({name: " ".join(NASTY) for name in FIELDS})
def test_hostile_text_is_a_value_and_nothing_else(fields: dict[str, str]):
    config, _ = check_config(filled(fields))
    if config is None:  # refused, with a finding: that is safe too
        return
    notebook = build_notebook(config)
    (statement,) = ast.parse(config_cell(notebook)).body
    assert isinstance(statement, ast.Assign)
    assert ast.literal_eval(statement.value) == config.to_dict()
    assert rest(notebook) == PLAIN


@pytest.mark.parametrize("nasty", NASTY)
def test_each_nasty_text_survives_in_every_field(nasty: str):
    config, findings = check_config(filled(dict.fromkeys(FIELDS, f"x{nasty}x")))
    assert config is not None, findings
    bundle = build_bundle(config)
    notebook = nbformat.reads(bundle.files["fine_tune.ipynb"].decode(), as_version=4)
    assert ast.literal_eval(config_cell(notebook).removeprefix("CONFIG = ")) == config.to_dict()
    assert parse_text(bundle.files["config.yaml"].decode()) == config.to_dict()


def test_no_line_of_the_config_cell_can_be_taken_for_a_magic_or_a_prompt():
    config = Config(check_config(filled({name: "\n".join(NASTY) for name in FIELDS}))[0] or {})
    lines = config_cell(build_notebook(config)).splitlines()
    assert len(lines) == config_cell(build_notebook(config)).count("\n") + 1
    for line in lines:
        assert re.match(r'CONFIG = |\s+["\']|\s*[}\]]', line), line


@given(text)
def test_markdown_shows_the_text_as_it_is(value: str):
    shown = markdown(value)
    inner = shown.removeprefix("<code>").removesuffix("</code>")
    if not re.fullmatch(r"(\.{0,2}/)*[A-Za-z0-9]+([_./-][A-Za-z0-9]+)*", value):
        assert not set(inner) & set("<>`*_[]()|$\\\n\r\u2028!{}~^\"'@.:")
    printable = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in value
    )
    assert html.unescape(inner) == printable


plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


@given(plain_data)
def test_a_literal_evaluates_back_to_its_value(value: Any):
    source = literal(value)
    # What has no end, such as a float too large, is written as one that overflows to it.
    back = ast.literal_eval(source)
    assert back == value
    assert repr(back) == repr(value)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", 1j])
def test_what_has_no_literal_is_refused(value: Any):
    with pytest.raises(TypeError, match="no literal"):
        literal(value)


def test_nan_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        literal([float("nan")])


def test_a_text_class_of_its_own_cannot_bring_its_own_representation():
    class Text(str):
        def __repr__(self) -> str:
            return "__import__('os')"

    assert ast.literal_eval(literal(Text("x"))) == "x"
