"""`start_run`: make a run folder, go on with one, or refuse it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime import processes
from ft_runtime.files import from_home, write_text_atomic
from ft_runtime.findings import Finding, FindingsError, finding, notify, raise_for_errors, text
from ft_runtime.printing import reason_of
from ft_runtime.runs import checkpoints, resume
from ft_runtime.runs import manifest as manifests
from ft_runtime.runs.folder import METRICS, Run
from ft_runtime.runs.lock import LOCK, FolderLock

if TYPE_CHECKING:
    from ft_runtime.config import Config
    from ft_runtime.devices import Device

# Runs of this process, by folder. Running the cell again takes the folder over from itself.
_open: dict[Path, Run] = {}


def start_run(config: Config, device: Device | None = None, fresh: bool = False) -> Run:
    """Open the folder ``artifacts.output_dir`` for a run.

    A missing or empty folder is filled. A finished run in it is moved aside to
    ``<folder>.previous-N``, and so is an unfinished one with `fresh`. An unfinished run with a
    verified checkpoint goes on from there, if everything that shapes the weights is as it was.

    Of several processes, as ``torchrun`` starts them, the first one opens the folder; the others
    get a `Run` that writes nothing.

    Parameters
    ----------
    config : Config
    device : Device, optional
        What training will compute on; recorded.
    fresh : bool
        Begin anew, whatever the folder holds.

    Returns
    -------
    Run
        Open and locked; `Run.resuming` tells whether it goes on.

    Raises
    ------
    FindingsError
        ``run.not_a_run`` (a folder with other files: nothing is touched), ``run.not_a_folder``,
        ``run.locked`` (another process works there), ``run.config_changed`` (one for each field),
        ``run.cannot_write``.
    """
    processes.join(device.type if device is not None else "cpu")
    opened: list[Run] = []

    def open_here() -> tuple[Path, dict[str, Any], checkpoints.Checkpoint | None]:
        opened.append(_start(config, device, fresh))
        return opened[0].path, opened[0].manifest, opened[0].checkpoint

    path, manifest, checkpoint = processes.share(open_here)
    return opened[0] if opened else Run(path, config, device, manifest, None, checkpoint)


def _start(config: Config, device: Device | None, fresh: bool) -> Run:
    path = _path_of(config)
    if path in _open:
        _open.pop(path).close()
    try:
        _refuse_foreign(path)
        path.mkdir(parents=True, exist_ok=True)
        lock = FolderLock(path)
        lock.acquire()
        try:
            run = _open_folder(path, config, device, fresh, lock)
        except BaseException:
            lock.release()
            raise
    except OSError as error:
        raise _cannot_write(path, reason_of(error)) from error
    _open[path] = run
    return run


def _open_folder(
    path: Path, config: Config, device: Device | None, fresh: bool, lock: FolderLock
) -> Run:
    told: list[Finding] = []
    before = manifests.read(path)
    if before is not None and (fresh or before.get("status") == "finished"):
        told.append(_move_aside(path, lock))
        before = None
    checkpoint = None
    if before is not None:
        checkpoint, rejected = checkpoints.newest(path / "checkpoints")
        told += [
            finding("run.checkpoint_unverified", where=str(item.path), reason=item.problem)
            for item in rejected
        ]
    manifest = manifests.new(config, device)
    if before is not None and checkpoint is not None:
        manifest, changes = _go_on(before, manifest, checkpoint, path)
        told += changes
    elif before is not None:
        told.append(finding("run.restarted", where=str(path)))
        (path / METRICS).unlink(missing_ok=True)
    # The manifest first: from then on the folder is known as a run.
    manifests.write(path, manifest)
    write_text_atomic(path / "config.yaml", config.to_yaml())
    run = Run(path, config, device, manifest, lock, checkpoint)
    run.event("started", resumed_from=checkpoint.path.name if checkpoint else None)
    if checkpoint is not None:
        told.append(finding("run.resuming", where=str(path), step=checkpoint.step))
    # The device was chosen before there was a run to record what had to be said about it.
    for item in device.findings if device is not None else ():
        run.record(item)
    notify(*told)
    return run


def _go_on(
    before: dict[str, Any],
    after: dict[str, Any],
    checkpoint: checkpoints.Checkpoint,
    path: Path,
) -> tuple[dict[str, Any], list[Finding]]:
    """Return the old manifest, ready to go on, and what changed around it."""
    raise_for_errors(
        resume.config_differences(
            before.get("training_config", {}), after["training_config"], str(path)
        )
    )
    told = []
    for kind in ("versions", "hardware"):
        old, new = resume.flatten(before.get(kind, {})), resume.flatten(after[kind])
        if changed := resume.differing(old, new):
            parts = (
                f"{name} {resume.show(old.get(name))} → {resume.show(new.get(name))}"
                for name in changed
            )
            told.append(finding(f"run.{kind}_changed", where=str(path), got="; ".join(parts)))
    resumed = {
        "time": after["created"],
        "checkpoint": checkpoint.path.name,
        "step": checkpoint.step,
        "after": before.get("status"),
    }
    kept: dict[str, Any] = {n: before[n] for n in ("created", "pinned", "fit") if n in before}
    return {**after, **kept, "resumed": [*before.get("resumed", []), resumed]}, told


def check_folder(config: Config) -> None:
    """Check that a run could be opened in ``artifacts.output_dir``, and touch nothing.

    Raises
    ------
    FindingsError
        ``run.not_a_run``, ``run.not_a_folder`` or ``run.cannot_write``.
    """
    path = _path_of(config)
    try:
        _refuse_foreign(path)
        nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    except OSError as error:
        raise _cannot_write(path, reason_of(error)) from error
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise _cannot_write(path, text("run.no_permission", folder=nearest))


def _path_of(config: Config) -> Path:
    path = Path(from_home(config.artifacts.output_dir)).absolute()
    try:
        path.stat()
    except OSError:
        pass
    except ValueError as error:  # a name that no file can have: of a NUL, or of what is no ASCII
        raise _cannot_write(path, str(error)) from None
    return path


def _cannot_write(path: Path, reason: str) -> FindingsError:
    return FindingsError([finding("run.cannot_write", where=str(path), got=reason)])


def _refuse_foreign(path: Path) -> None:
    """Refuse a path that holds something that no run wrote; nothing is touched."""
    if path.exists() and not path.is_dir():
        raise FindingsError([finding("run.not_a_folder", where=str(path))])
    if not path.is_dir() or manifests.read(path) is not None:
        return
    # A run killed in its first moment leaves these, before there is a manifest.
    early = (LOCK, f".{manifests.FILE}.")
    foreign = sorted(item.name for item in path.iterdir() if not item.name.startswith(early))
    if foreign:
        shown = ", ".join(foreign[:5]) + (" …" if len(foreign) > 5 else "")
        raise FindingsError([finding("run.not_a_run", where=str(path), got=shown)])


def _move_aside(path: Path, lock: FolderLock) -> Finding:
    """Rename the folder to the first free ``<name>.previous-N`` and lock a new one in its place."""
    number = 1
    while (aside := path.with_name(f"{path.name}.previous-{number}")).exists():
        number += 1
    # Windows cannot rename a folder with an open file in it.
    lock.release()
    path.rename(aside)
    path.mkdir()
    lock.acquire()
    return finding("run.moved_aside", where=str(path), aside=str(aside))
