"""The wheel that we write ourselves holds what the real build gives."""

from __future__ import annotations

import zipfile
from email.parser import Parser
from io import BytesIO
from pathlib import Path

from packaging.requirements import Requirement

from jupyter_ft.builder.runtime_wheel import runtime_wheel


def contents(archive: zipfile.ZipFile) -> dict[str, bytes]:
    names = [name for name in archive.namelist() if ".dist-info/" not in name]
    return {name: archive.read(name) for name in names}


def metadata(archive: zipfile.ZipFile) -> dict[str, set[str]]:
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    fields = Parser().parsestr(archive.read(name).decode())
    return {
        "name": {fields["Name"], fields["Version"], fields["Requires-Python"]},
        "extras": set(fields.get_all("Provides-Extra")),
        "requirements": {
            str(Requirement(item.replace('"', "'"))).lower()
            for item in fields.get_all("Requires-Dist")
        },
    }


def test_it_is_the_real_wheel(wheels: dict[str, Path]):
    ours = zipfile.ZipFile(BytesIO(runtime_wheel().data))
    real = zipfile.ZipFile(wheels["ft_runtime"])
    assert contents(ours) == contents(real)
    assert metadata(ours) == metadata(real)
    assert wheels["ft_runtime"].name == runtime_wheel().name
