"""Who may import whom (a rule of the house), and what an import costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "torch", "transformers", "datasets", "peft", "accelerate", "bitsandbytes", "numpy", "pandas", "pyarrow", "sklearn",
    "scipy", "sacrebleu", "rouge_score", "safetensors", "tokenizers", "huggingface_hub", "tensorboard",
}  # fmt: skip
JUPYTER = {
    "IPython",
    "ipykernel",
    "ipywidgets",
    "jupyter_server",
    "jupyter_core",
    "jupyter_client",
    "nbformat",
    "nbclient",
    "tornado",
    "traitlets",
}


def modules(folder: str) -> list[Path]:
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if path.name != "hatch_build.py"]


def imports(path: Path, *, everywhere: bool) -> set[str]:
    """Top-level names that a module imports; `everywhere` counts those inside functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Import):
                found.update(alias.name.split(".")[0] for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                found.add(child.module.split(".")[0])
            if everywhere or not isinstance(
                child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
            ):
                visit(child)

    visit(tree)
    return found


@pytest.mark.parametrize(
    "path", modules("ft_runtime"), ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_runtime_imports_nothing_of_ours_and_nothing_heavy_at_the_top(path: Path):
    assert "jupyter_ft" not in imports(path, everywhere=True)
    assert not imports(path, everywhere=False) & (HEAVY | JUPYTER)


@pytest.mark.parametrize(
    "path", modules("jupyter_ft"), ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_server_side_is_light_and_its_core_knows_no_server(path: Path):
    assert not imports(path, everywhere=False) & HEAVY
    if "server" not in path.relative_to(ROOT / "jupyter_ft").parts:
        assert not imports(path, everywhere=True) & {"tornado", "jupyter_server"}


@pytest.mark.parametrize(
    "path", modules("jupyter_ft/services"), ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_service_knows_no_notebook_front_end(path: Path):
    assert not imports(path, everywhere=True) & (JUPYTER | {"torch", "transformers"})
    source = path.read_text(encoding="utf-8")
    assert "jupyter_ft.server" not in source
    assert "jupyter_ft.magic" not in source


@pytest.mark.parametrize("name", ["ft_runtime", "jupyter_ft"])
def test_an_import_brings_no_heavy_library(name: str):
    code = f"import {name}, sys; print(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(run.stdout.split()) & HEAVY


def test_importing_the_runtime_brings_itself_and_a_little_of_the_standard_library():
    """What makes it quick, whatever else the machine has to do."""
    code = "import sys; a = set(sys.modules); import ft_runtime; print(*set(sys.modules) - a)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    others = loaded - {"ft_runtime"}
    assert {name.split(".")[0] for name in others} <= sys.stdlib_module_names
    assert len(others) < 60


def test_every_exported_name_exists_and_is_documented():
    import ft_runtime

    assert set(ft_runtime.__all__) == {*ft_runtime._EXPORTS, "__version__"}
    for name in ft_runtime.__all__:
        value = getattr(ft_runtime, name)
        assert name == "__version__" or (value.__doc__ or "").strip(), name
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = ft_runtime.nothing_of_the_kind


def test_no_file_is_a_hall():
    long = {
        str(path.relative_to(ROOT)): count
        for folder in ("ft_runtime", "jupyter_ft")
        for path in modules(folder)
        if (count := path.read_text(encoding="utf-8").count("\n")) > 300
    }
    assert long == {}


def test_no_verb_has_the_name_of_a_module() -> None:
    """Importing ``ft_runtime.x`` anywhere sets the attribute ``x``, in the place of a verb."""
    import ft_runtime

    folder = ROOT / "ft_runtime"
    names = {path.stem for path in folder.glob("*.py")}
    names |= {path.parent.name for path in folder.glob("*/__init__.py")}
    assert names.isdisjoint(ft_runtime._EXPORTS)
