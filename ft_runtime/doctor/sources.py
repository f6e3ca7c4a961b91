"""What a config names as its data, as the doctor takes it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime.data.places import listing
from ft_runtime.data.saved import is_saved, load_saved
from ft_runtime.files import from_home
from ft_runtime.findings import FindingsError, finding, notify

if TYPE_CHECKING:
    from ft_runtime.config import Config
    from ft_runtime.data.rows import Source
    from ft_runtime.runs import Run


def sources_of(config: Config) -> Any:
    """Return the data of a config for `examine`; nothing where a dataset cannot be had."""
    from ft_runtime.data.hub import chosen_parts, own_parts

    dataset = config.dataset
    if dataset.source != "hf_dataset_id":
        if isinstance(dataset.path, Mapping):
            return {name: from_home(path) for name, path in dataset.path.items() if path}
        path = from_home(dataset.path)
        if not is_saved(path):
            return path
    try:
        if dataset.source == "hf_dataset_id":
            parts = own_parts(dataset.id, dataset.config_name, dataset.revision)
        else:
            parts = chosen_parts(load_saved(path, "dataset.path"), dataset.path)
    except FindingsError:  # the reader of the run tells it
        return []
    return parts[""] if list(parts) == [""] else parts


def names_of(config: Config) -> dict[str, str]:
    """Return the name of every column of the config's format: a run takes no other for it."""
    from ft_runtime.data.formats import FORMATS

    columns = config.dataset.columns or {}
    return {name: columns.get(name, name) for name in FORMATS[config.dataset.format].columns}


_SPLIT = re.compile(r"(?:^|[^a-z])(train|val|valid|validation|dev|test|eval)(?:ing)?(?:[^a-z]|$)")
_SIDES = {"valid": "val", "validation": "val", "dev": "val", "eval": "test"}


def named_files(paths: Sequence[str]) -> str | list[str] | dict[str, str]:
    """Return data files as `examine` takes them: by split, where their names tell the splits.

    Parameters
    ----------
    paths : sequence of str
        Paths, or ``train=path`` where the name of a file says nothing.
    """
    found: dict[str, str] = {}
    plain = []
    for each in paths:
        name, sign, path = each.partition("=")
        named = bool(sign) and _SIDES.get(name, name) in ("train", "val", "test")
        # There may be a file of that very name.
        if not named or Path(each).exists():
            path = each
            match = _SPLIT.search(Path(path).stem.lower())
            name = match[1] if match else ""
        plain.append(path)
        found[_SIDES.get(name, name)] = path
    if len(found) == len(paths) > 1 and "" not in found and "train" in found:
        return found
    return plain[0] if len(plain) == 1 else plain


def saved_dataset(folder: Path) -> Any:
    """Load what the datasets library saved with ``save_to_disk``.

    Raises
    ------
    FindingsError
        ``doctor_report.no_such_folder``, ``no_pyarrow``, ``broken_columnar``.
    """
    if not is_saved(folder):
        raise FindingsError([finding("doctor_report.no_such_folder", str(folder))])
    parts = load_saved(folder, str(folder))
    return parts["train"] if list(parts) == ["train"] else parts


def record_data(config: Config, run: Run, read: Sequence[Source] = ()) -> Path | None:
    """Write the version record of a run's data into its folder, for later comparisons.

    The scan of a file is a small part of what reading its rows takes, and less than numbers of
    rows that were read would: so it is made here once more, and held against what was read.

    Parameters
    ----------
    config : Config
    run : Run
    read : sequence of Source
        What the run has read.

    Returns
    -------
    Path or None
        None, and no record, when the data cannot be read any more, or is not what was read; of
        the latter a warning is shown.

    Raises
    ------
    FindingsError
        ``doctor_report.cannot_write``.
    """
    from ft_runtime.doctor.identity import record, write_record
    from ft_runtime.doctor.survey import survey

    names = names_of(config)
    # One process: those of a run have threads by now, and would be started anew.
    with survey(sources_of(config), config.dataset.format, names, ("sha256",), 1) as found:
        if not found.sound:
            return None
        now = {os.path.abspath(each.plain.source): each.scan.sha256 for each in found.files}  # noqa: PTH100
        if other := [one.name for one in read if now.get(one.path, one.sha256) != one.sha256]:
            notify(finding("data.changed_since_read", listing(other)))
            return None
        return write_record(run.path, record(found))
