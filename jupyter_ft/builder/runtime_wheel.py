"""The wheel of ft_runtime, written by us so that the same sources give the same bytes anywhere."""

from __future__ import annotations

import base64
import bz2
import hashlib
import io
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import ft_runtime
from ft_runtime.config import schema_path
from jupyter_ft.builder.requirements import metadata_lines

_EPOCH = (1980, 1, 1, 0, 0, 0)
_LINE = 100
_SUFFIXES = {".py", ".json", ".typed"}
_BUILD_ONLY = {"hatch_build.py"}
_ENTRY_POINTS = "[console_scripts]\nft-runtime = ft_runtime.cli:main\n"


@dataclass(frozen=True)
class RuntimeWheel:
    """A wheel of ft_runtime in memory.

    Attributes
    ----------
    name : str
        File name.
    version : str
    data : bytes
        The file.
    sha256 : str
        Of `data`, in hexadecimal.
    """

    name: str
    version: str
    data: bytes
    sha256: str

    @property
    def packed(self) -> list[str]:
        """The wheel as lines of base64 of bzip2, as it is embedded in a notebook."""
        return list(_packed(self.data))


@lru_cache(maxsize=1)
def runtime_wheel() -> RuntimeWheel:
    """Return the wheel of the ft_runtime that is imported here, made once for the process."""
    version = ft_runtime.__version__
    data = _wheel(package_files(), version)
    name = f"ft_runtime-{version}-py3-none-any.whl"
    return RuntimeWheel(name, version, data, hashlib.sha256(data).hexdigest())


def package_files() -> dict[str, bytes]:
    """Return the files of the package by their path in the wheel, the schema among them."""
    folder = Path(ft_runtime.__file__).parent
    files = {
        f"ft_runtime/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in _SUFFIXES and path.name not in _BUILD_ONLY
    }
    files["ft_runtime/schemas/config.schema.json"] = schema_path().read_bytes()
    return files


def zip_bytes(files: dict[str, bytes]) -> bytes:
    """Return a ZIP of `files` that depends on nothing but their names and contents.

    Stored, not deflated: deflate's output differs from one zlib build to the next.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in files:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name])
    return stream.getvalue()


def _wheel(files: dict[str, bytes], version: str) -> bytes:
    info = f"ft_runtime-{version}.dist-info"
    head = [
        "Metadata-Version: 2.1",
        "Name: ft-runtime",
        f"Version: {version}",
        "Requires-Python: >=3.10",
    ]
    content = dict(sorted(files.items()))
    content[f"{info}/METADATA"] = "\n".join([*head, *metadata_lines(), ""]).encode()
    content[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: jupyter-ft\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    content[f"{info}/entry_points.txt"] = _ENTRY_POINTS.encode()
    record = [f"{name},sha256={_record_hash(data)},{len(data)}" for name, data in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    return zip_bytes(content)


def _record_hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@lru_cache(maxsize=2)
def _packed(data: bytes) -> tuple[str, ...]:
    text = base64.b64encode(bz2.compress(data)).decode()
    return tuple(text[start : start + _LINE] for start in range(0, len(text), _LINE))
