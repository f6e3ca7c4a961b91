"""The template set: where it lies, what it holds, how it is rendered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from jupyter_ft.builder.cells import literal, markdown

_PACKAGE = Path(__file__).resolve().parent.parent


def find_folder(name: str) -> Path:
    """Return a data folder of ours: inside the package in a wheel, else in the checkout.

    Parameters
    ----------
    name : str
        ``templates`` or ``examples``.

    Raises
    ------
    FileNotFoundError
        When the installation is incomplete.
    """
    packaged = _PACKAGE / name
    if packaged.is_dir():
        return packaged
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    raise FileNotFoundError(f"{name!r} is not in {_PACKAGE} nor beside it: reinstall jupyter-ft")


@dataclass(frozen=True)
class Template:
    """One cell of the template set.

    Attributes
    ----------
    name : str
        ``NN_section_name``.
    kind : {"md", "py"}
    section : str
    when : tuple of str
        Conditions that must all hold for the cell to be there.
    metadata : dict
        Metadata of the cell.
    """

    name: str
    kind: str
    section: str
    when: tuple[str, ...]
    metadata: dict[str, Any]

    @property
    def file(self) -> str:
        """Name of the template's file."""
        return f"{self.name}.{self.kind}.j2"


@dataclass(frozen=True)
class TemplateSet:
    """The templates in notebook order, and the environment that renders them."""

    version: int
    templates: tuple[Template, ...]
    environment: jinja2.Environment

    def render(self, file: str, **context: Any) -> str:
        """Return the source that the template `file` gives in `context`."""
        return self.environment.get_template(file).render(**context).strip("\n")


@lru_cache(maxsize=1)
def template_set() -> TemplateSet:
    """Return the template set, read once for the process."""
    folder = find_folder("templates")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder, encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        newline_sequence="\n",
        auto_reload=False,
        cache_size=-1,
    )
    environment.filters["repr"] = literal
    environment.filters["md"] = markdown
    return TemplateSet(
        version=manifest["version"],
        templates=tuple(_template(entry) for entry in manifest["cells"]),
        environment=environment,
    )


def _template(entry: dict[str, Any]) -> Template:
    name, kind = entry["file"].removesuffix(".j2").rsplit(".", 1)
    return Template(
        name=name,
        kind=kind,
        section=entry["section"],
        when=tuple(entry.get("when", ())),
        metadata=entry.get("metadata", {}),
    )
