"""What the cells of every config in the matrix may say: read, not run."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest

import ft_runtime
from ft_runtime.config import load_config, schema
from jupyter_ft.builder import build_notebook
from support.configs import RUNTIMES, matrix
from support.names import undefined_names

MATRIX = matrix()


@pytest.fixture(scope="module", params=MATRIX, ids=str)
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    return build_notebook(MATRIX[request.param])


def code_cells(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, ast.Module]]:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield cell.id, ast.parse(cell.source)


def runtime_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="ft"))):
                yield node


def test_the_notebook_is_valid(notebook: nbformat.NotebookNode):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)


def test_cells_call_only_what_the_runtime_exports_as_its_signatures_accept(
    notebook: nbformat.NotebookNode,
):
    called = set()
    for name, tree in code_cells(notebook):
        for call in runtime_calls(tree):
            assert isinstance(call.func, ast.Attribute)
            verb = call.func.attr
            assert verb in ft_runtime.__all__, (name, verb)
            keywords = {keyword.arg: None for keyword in call.keywords}
            assert None not in keywords, "no ** in a cell"
            inspect.signature(getattr(ft_runtime, verb)).bind(*call.args, **keywords)
            called.add(verb)
    assert {"load_config", "train", "evaluate", "save_model", "finish_run"} <= called


def test_cells_use_nothing_of_the_runtime_but_its_verbs(notebook: nbformat.NotebookNode):
    for name, tree in code_cells(notebook):
        verbs = {id(call.func) for call in runtime_calls(tree)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.value.id != "ft" or id(node) in verbs, name


def test_nothing_undefined_is_named(notebook: nbformat.NotebookNode):
    source = "\n\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    assert undefined_names(source) == set()


def test_the_cells_import_the_standard_library_and_the_runtime_alone(
    notebook: nbformat.NotebookNode,
):
    for _, tree in code_cells(notebook):
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                assert top in sys.stdlib_module_names or top == "ft_runtime"


def test_the_install_cell_comes_before_the_runtime_is_imported(notebook: nbformat.NotebookNode):
    ids = [cell.id for cell in notebook.cells]
    first = next(c.id for c in notebook.cells if "import ft_runtime" in c.source)
    assert ids.index("install-packages") < ids.index(first) == ids.index("imports-seed")


def test_no_cell_is_dead_or_waits_to_be_filled(notebook: nbformat.NotebookNode):
    for name, tree in code_cells(notebook):
        for node in ast.walk(tree):
            if isinstance(node, ast.If):
                assert not isinstance(node.test, ast.Constant), name
    text = "\n".join(cell.source for cell in notebook.cells if cell.id != "install-wheel")
    for word in ("TODO", "FIXME", "XXX", "YOUR_", "<your", "hf_token", "{{", "{%"):
        assert word not in text


def test_the_config_cell_is_a_pure_literal_tagged_parameters(notebook: nbformat.NotebookNode):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code[0].metadata.tags == ["parameters"]
    assert [c.id for c in code if "parameters" in c.metadata.get("tags", [])] == [code[0].id]
    (statement,) = ast.parse(code[0].source).body
    assert isinstance(statement, ast.Assign)
    assert ast.unparse(statement.targets[0]) == "CONFIG"
    assert load_config(ast.literal_eval(statement.value))


@pytest.mark.parametrize("name", MATRIX)
def test_the_config_cell_holds_the_whole_config(name: str):
    config = load_config(MATRIX[name])
    assert config_of(build_notebook(config)) == config.to_dict()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_way_to_get_the_runtime_gives_sound_code(runtime: Any):
    notebook = build_notebook(MATRIX["lora-jsonl_prompt-plain"], runtime=runtime)
    source = "\n\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    assert undefined_names(source) == set()
    assert ("FT_RUNTIME_WHEEL" in source) == (runtime == "embedded")
    assert ("beside" in source) == (runtime != "index")


def test_only_lora_shows_an_adapter_and_only_qlora_a_quantised_base():
    def ids(tune_type: str) -> set[str]:
        return {c.id for c in build_notebook(MATRIX[f"{tune_type}-jsonl_chat-plain"]).cells}

    only = {"model-adapter", "model-quantization", "model-weights"}
    assert ids("full") & only == {"model-weights"}
    assert ids("lora") & only == {"model-adapter"}
    assert ids("qlora") & only == {"model-adapter", "model-quantization"}


def test_what_the_schema_says_of_a_field_fits_into_a_table():
    for path, field in schema.walk():
        for said in (field["title"], field["description"]):
            assert not set(said) & set("|<>\n`*$["), path


def config_of(notebook: nbformat.NotebookNode) -> Any:
    cell = next(c for c in notebook.cells if c.id == "config-values")
    return ast.literal_eval(cell.source.removeprefix("CONFIG = "))
