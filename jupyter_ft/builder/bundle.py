"""Everything that belongs to a notebook: files with their sums, as a folder or as a ZIP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

import jupyter_ft
from ft_runtime.config import Config, load_config
from ft_runtime.config.schema import version as schema_version
from ft_runtime.files import sha256_bytes, sha256_file, write_bytes_atomic
from ft_runtime.findings import FindingsError, finding, raise_for_errors
from ft_runtime.printing import printable, printable_path, reason_of
from jupyter_ft.builder.cells import is_untouched
from jupyter_ft.builder.notebook import Runtime, build_notebook, notebook_bytes, template_context
from jupyter_ft.builder.runtime_wheel import runtime_wheel, zip_bytes
from jupyter_ft.builder.templates import template_set

NOTEBOOK = "fine_tune.ipynb"
SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Bundle:
    """The files of one config.

    Attributes
    ----------
    files : dict of str to bytes
        By name, in the order in which they are listed; ``SHA256SUMS`` is the last.
    """

    files: dict[str, bytes]

    def write(self, folder: str | Path, *, force: bool = False) -> list[Path]:
        """Write the files, each one whole, the sums last.

        Parameters
        ----------
        folder : str or Path
            Created when missing.
        force : bool
            Overwrite files that have been edited, or that were never ours.

        Returns
        -------
        list of Path
            The files written.

        Raises
        ------
        FindingsError
            ``build.would_overwrite`` for each file whose content would be lost, before anything is
            written; ``build.cannot_write`` when the folder cannot be written.
        """
        place = Path(folder)
        if not force:
            try:
                precious = list(self._precious(place))
            except (OSError, ValueError) as error:
                raise _cannot_write(place, error) from None
            raise_for_errors(
                finding("build.would_overwrite", str(place / name)) for name in precious
            )
        return [_write(place / name, data) for name, data in self.files.items()]

    def to_zip(self) -> bytes:
        """Return the files as a ZIP that is the same for the same input, on any machine."""
        return zip_bytes(self.files)

    def _precious(self, folder: Path) -> Iterator[str]:
        """Name the files that hold what we did not write, or what was edited since."""
        recorded = _read_sums(folder / SUMS)
        for name, data in self.files.items():
            path = folder / name
            if not path.exists() or name == SUMS:
                continue
            if path.is_file():
                if sha256_file(path) in (sha256_bytes(data), recorded.get(name)):
                    continue
                if name == NOTEBOOK and _cells_untouched(path):
                    continue
            yield name


def build_bundle(
    config: Config | Mapping[str, Any] | str | Path, *, runtime: Runtime = "embedded"
) -> Bundle:
    """Build all files of a config.

    Parameters
    ----------
    config : Config, Mapping, str or Path
        A checked config, a document, or the path of one.
    runtime : {"embedded", "wheel", "index"}
        As in `build_notebook`. The wheel is among the files unless the index is to be used.

    Raises
    ------
    FindingsError
        When the config has errors.
    """
    checked = load_config(config)
    files = {
        NOTEBOOK: notebook_bytes(build_notebook(checked, runtime=runtime)),
        "config.yaml": checked.to_yaml().encode("utf-8"),
        "README.md": _readme(checked, runtime),
    }
    if runtime != "index":
        files[runtime_wheel().name] = runtime_wheel().data
    files["metadata.json"] = _metadata(files, runtime)
    sums = "".join(f"{sha256_bytes(data)}  {name}\n" for name, data in files.items())
    return Bundle({**files, SUMS: sums.encode("ascii")})


def write_zip(bundle: Bundle, path: Path, *, force: bool = False) -> None:
    """Write a bundle as a ZIP file.

    Raises
    ------
    FindingsError
        ``build.would_overwrite`` when another file is there, ``build.cannot_write``.
    """
    data = bundle.to_zip()
    if path.exists() and not force and not _same(path, data):
        raise_for_errors([finding("build.would_overwrite", str(path))])
    _write(path, data)


def _write(path: Path, data: bytes) -> Path:
    try:
        return write_bytes_atomic(path, data)
    except (OSError, ValueError) as error:
        raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: Exception) -> FindingsError:
    """Return the error for a file that cannot be written, or whose name cannot be one."""
    problem = reason_of(error)
    return FindingsError(
        [finding("build.cannot_write", printable_path(str(path)), problem=printable(problem, 300))]
    )


def _same(path: Path, data: bytes) -> bool:
    return path.is_file() and sha256_file(path) == sha256_bytes(data)


def _readme(config: Config, runtime: Runtime) -> bytes:
    source = template_set().render("README.md.j2", **template_context(config, runtime))
    return f"{source}\n".encode()


def _metadata(files: Mapping[str, bytes], runtime: Runtime) -> bytes:
    """Return what made the files, for programs."""
    document = {
        "jupyter_ft": jupyter_ft.__version__,
        "ft_runtime": runtime_wheel().version,
        "schema": schema_version(),
        "templates": template_set().version,
        "runtime": runtime,
        "files": {
            name: {"sha256": sha256_bytes(data), "bytes": len(data)} for name, data in files.items()
        },
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def _read_sums(path: Path) -> dict[str, str]:
    """Return the sums of an earlier generation, by file name; empty when there are none."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _cells_untouched(path: Path) -> bool:
    """Return True if a notebook was run perhaps, but never edited."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception:  # any other file under that name: what it holds is not ours to judge
        return False
    return all(is_untouched(cell) for cell in notebook.cells)
