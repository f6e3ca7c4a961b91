"""`Run`: one run folder, open for writing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime import findings
from ft_runtime.files import append_line, write_text_atomic
from ft_runtime.findings import Finding, FindingsError, finding, text
from ft_runtime.printing import reason_of
from ft_runtime.runs import manifest as manifests
from ft_runtime.runs import resume

if TYPE_CHECKING:
    from ft_runtime.config import Config
    from ft_runtime.devices import Device
    from ft_runtime.runs.checkpoints import Checkpoint
    from ft_runtime.runs.lock import FolderLock

EVENTS = "events.jsonl"
METRICS = "metrics.jsonl"


class Run:
    """One run folder, open for writing; made by `start_run`.

    Attributes
    ----------
    path : Path
        The folder, absolute.
    config : Config
    device : Device or None
    checkpoint : Checkpoint or None
        The newest verified checkpoint: to resume from, or written since.
    resuming : bool
        True when the folder held an unfinished run that goes on.
    manifest : dict
        What is in ``manifest.json``; change it through `update`.

    Notes
    -----
    Of several processes that train together one has the lock of the folder and writes; in the
    others every method changes what is in memory, and nothing else.
    """

    def __init__(
        self,
        path: Path,
        config: Config,
        device: Device | None,
        manifest: dict[str, Any],
        lock: FolderLock | None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.path = path
        self.config = config
        self.device = device
        self.manifest = manifest
        self.checkpoint = checkpoint
        self.resuming = checkpoint is not None
        self._lock = lock
        findings.subscribe(self.record)

    @property
    def leads(self) -> bool:
        """True in the process that writes."""
        return self._lock is not None

    @property
    def status(self) -> str:
        """``running``, ``paused``, ``failed``, ``interrupted`` or ``finished``."""
        return str(self.manifest["status"])

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def logs(self) -> Path:
        """Folder of the TensorBoard files."""
        return self.path / "logs"

    def event(self, kind: str, **data: Any) -> None:
        """Append one line to ``events.jsonl``.

        Raises
        ------
        FindingsError
            ``run.cannot_write`` when the folder cannot be written, as with a full disk.
        """
        self._append(EVENTS, {"time": manifests.now(), "event": kind, **data})

    def metric(self, values: dict[str, Any]) -> None:
        """Append one line to ``metrics.jsonl``; raises as `event` does."""
        self._append(METRICS, {"time": manifests.now(), **values})

    def update(self, **fields: Any) -> None:
        """Change fields of the manifest and write it whole; raises as `event` does."""
        self.manifest.update(resume.plain(fields))
        if not self.leads:
            return
        try:
            manifests.write(self.path, self.manifest)
        except OSError as error:
            raise self._unwritable(manifests.FILE, error) from error

    def pin(self, kind: str, value: Any) -> None:
        """Record what this run uses, or insist on it when the run goes on.

        Parameters
        ----------
        kind : str
            ``data``, ``splits``, ``model``, ``arguments`` or another name.
        value
            Plain data (hashes, names, counts) that identifies the thing.

        Raises
        ------
        FindingsError
            When a checkpoint exists that was trained with something else; each difference is named.
        """
        pinned: dict[str, Any] = self.manifest["pinned"]
        value = resume.plain(value)
        if kind in pinned:
            if pinned[kind] == value:
                return
            if self.checkpoint is not None:
                found = resume.pin_differences(kind, pinned[kind], value, str(self.path))
                raise FindingsError(found)
        self.update(pinned={**pinned, kind: value})

    def rewind(self, step: int) -> int:
        """Drop the lines of ``metrics.jsonl`` after `step`: training will write them again.

        Returns
        -------
        int
            How many lines were dropped.
        """
        target = self.path / METRICS
        if not self.leads or not target.is_file():
            return 0
        lines = target.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if _step_of(line) <= step]
        if len(kept) < len(lines):
            write_text_atomic(target, "".join(f"{line}\n" for line in kept))
        return len(lines) - len(kept)

    def end(self, status: str, **data: Any) -> None:
        """Record how the run ended, in the manifest and as the event ``ended``.

        A full disk cannot keep this from returning: the reason for the end is told elsewhere.
        """
        try:
            self.update(status=status)
            self.event("ended", status=status, **data)
        except FindingsError:
            if status == "finished":
                raise

    def end_with(self, error: BaseException) -> None:
        """Record that `error` ended the run: ``interrupted`` on Ctrl-C, else ``failed``."""
        if isinstance(error, FindingsError):
            self.end("failed", findings=[item.to_dict() for item in error.findings])
        elif isinstance(error, Exception):
            self.end("failed", reason=f"{type(error).__name__}: {error}")
        else:
            self.end("interrupted")

    def close(self) -> None:
        """Stop recording and let another process use the folder; harmless when repeated."""
        findings.unsubscribe(self.record)
        if self._lock is not None:
            self._lock.release()

    def __repr__(self) -> str:
        lines = [text("run.repr", folder=self.path, status=self.status)]
        if self.checkpoint is not None:
            lines.append(text("run.repr_checkpoint", step=self.checkpoint.step))
        return "\n".join(lines)

    def record(self, item: Finding) -> None:
        """Append a finding to ``events.jsonl``; what is notified gets there by itself."""
        self.event(item.severity, **{k: v for k, v in item.to_dict().items() if k != "severity"})

    def _append(self, name: str, document: dict[str, Any]) -> None:
        if not self.leads:
            return
        line = json.dumps(resume.plain(document), ensure_ascii=False)
        try:
            append_line(self.path / name, line)
        except OSError as error:
            raise self._unwritable(name, error) from error

    def _unwritable(self, name: str, error: OSError) -> FindingsError:
        reason = reason_of(error)
        return FindingsError([finding("run.cannot_write", where=str(self.path / name), got=reason)])


def _step_of(line: str) -> float:
    """Return the step of a metrics line; a torn line counts as after every step."""
    try:
        return float(json.loads(line).get("step", 0))
    except (ValueError, AttributeError):
        return float("inf")
