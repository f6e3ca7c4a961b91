"""Config in, notebook out: a pure function of the config, the template set and our version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import nbformat

import jupyter_ft
from ft_runtime.config import Config, load_config
from ft_runtime.config.schema import version as schema_version
from jupyter_ft.builder import context
from jupyter_ft.builder.cells import make_cell
from jupyter_ft.builder.requirements import needed_packages
from jupyter_ft.builder.runtime_wheel import runtime_wheel
from jupyter_ft.builder.templates import Template, template_set

Runtime = Literal["embedded", "wheel", "index"]


def build_notebook(
    config: Config | Mapping[str, Any] | str | Path, *, runtime: Runtime = "embedded"
) -> nbformat.NotebookNode:
    """Build the notebook of a config.

    Parameters
    ----------
    config : Config, Mapping, str or Path
        A checked config, a document, or the path of one.
    runtime : {"embedded", "wheel", "index"}
        Where the install cell gets ft_runtime from when it is not there: a wheel beside the
        notebook, else one packed in it; a wheel beside it, else the package index; the index.

    Returns
    -------
    nbformat.NotebookNode
        Valid nbformat 4.5. The same input gives the same notebook, byte for byte.

    Raises
    ------
    FindingsError
        When the config has errors.
    """
    if runtime not in get_args(Runtime):
        raise ValueError(f"runtime must be one of {get_args(Runtime)}, not {runtime!r}")
    checked = load_config(config)
    templates = template_set()
    holds = context.conditions(checked, runtime)
    names = template_context(checked, runtime)
    cells = [
        _cell(template, templates.render(template.file, **names))
        for template in templates.templates
        if all(holds[name] for name in template.when)
    ]
    return nbformat.v4.new_notebook(cells=cells, metadata=_metadata(holds["gpu"]))


def notebook_bytes(notebook: nbformat.NotebookNode) -> bytes:
    """Return the notebook as it is written to a file."""
    return (nbformat.writes(notebook, version=4) + "\n").encode("utf-8")


def template_context(config: Config, runtime: Runtime) -> dict[str, Any]:
    """Return every name that a template may use."""
    classification = config.task == "classification"
    wheel = runtime_wheel() if runtime != "index" else None
    pinned = {"wheel": wheel.name, "sha256": wheel.sha256} if wheel else {}
    return {
        **context.conditions(config, runtime),
        "config": config.to_dict(),
        "data_name": context.data_name(config),
        "parameters": context.parameters(config),
        "model_class": f"AutoModelFor{'SequenceClassification' if classification else 'CausalLM'}",
        "needed": needed_packages(config),
        "runtime": {"version": runtime_wheel().version, **pinned},
        "wheel_lines": wheel.packed if wheel and runtime == "embedded" else [],
        "version": jupyter_ft.__version__,
        "templates_version": template_set().version,
        "schema_version": schema_version(),
    }


def _cell(template: Template, source: str) -> nbformat.NotebookNode:
    return make_cell(
        source,
        kind=template.kind,
        template=template.name,
        section=template.section,
        metadata=template.metadata,
    )


def _metadata(gpu: bool) -> dict[str, Any]:
    """Return the notebook's metadata; Colab reads ``accelerator`` and offers a GPU."""
    colab = {"accelerator": "GPU", "colab": {"gpuType": "T4", "provenance": []}} if gpu else {}
    return {
        **colab,
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "jupyter_ft": {
            "version": jupyter_ft.__version__,
            "runtime": runtime_wheel().version,
            "schema": schema_version(),
            "templates": template_set().version,
        },
    }
