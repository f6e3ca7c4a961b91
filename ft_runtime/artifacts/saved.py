"""What `save_model` returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ft_runtime.artifacts.folder import SavedFile, megabytes
from ft_runtime.artifacts.probe import LogitCheck
from ft_runtime.findings import Finding, errors, text


@dataclass(frozen=True)
class MergedModel:
    """A whole 16-bit model with the adapter in its weights.

    Attributes
    ----------
    path : Path
    dtype : str
        ``bfloat16`` or ``float16``.
    files : tuple of SavedFile
    bytes : int
    check : LogitCheck
        The adapter on its un-quantised base against the merged model, loaded from `path`.
    effect : float
        How far the adapter moved a logit of that base, at most: what merging must not lose.
    """

    path: Path
    dtype: str
    files: tuple[SavedFile, ...]
    bytes: int
    check: LogitCheck
    effect: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, the path by its last name."""
        return {
            "folder": self.path.name,
            "dtype": self.dtype,
            "bytes": self.bytes,
            "files": [asdict(item) for item in self.files],
            "check": self.check.to_dict(),
            "effect": self.effect,
        }


@dataclass(frozen=True)
class SavedModel:
    """What lies on the disk after saving.

    Attributes
    ----------
    path : Path
        ``adapter/`` or ``model/`` in the run folder.
    kind : {"adapter", "model"}
    files : tuple of SavedFile
        Every file with its size and SHA-256; also in ``SHA256SUMS`` beside them.
    bytes : int
        Their sum.
    check : LogitCheck or None
        The model in memory against what was loaded back; None when there was no memory for that.
    merged : MergedModel or None
    url : str or None
        Of the upload.
    findings : tuple of Finding
    """

    path: Path
    kind: Literal["adapter", "model"]
    files: tuple[SavedFile, ...]
    bytes: int
    check: LogitCheck | None = None
    merged: MergedModel | None = None
    url: str | None = None
    findings: tuple[Finding, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for the manifest, the path by its last name."""
        return {
            "folder": self.path.name,
            "kind": self.kind,
            "bytes": self.bytes,
            "files": [asdict(item) for item in self.files],
            "check": self.check.to_dict() if self.check else None,
            "merged": self.merged.to_dict() if self.merged else None,
            "url": self.url,
        }

    def __repr__(self) -> str:
        values = {"path": self.path, "files": len(self.files), "size": megabytes(self.bytes)}
        lines = [text("artifacts.saved", kind=self.kind, **values)]
        if self.check:
            lines.append(text("artifacts.saved_check", **numbers(self.check)))
        if self.merged:
            shown = {**numbers(self.merged.check), "dtype": self.merged.dtype}
            lines.append(text("artifacts.saved_merged", path=self.merged.path, **shown))
        if self.url:
            lines.append(text("artifacts.saved_pushed", url=self.url))
        return "\n".join([*lines, *map(str, errors(self.findings))])


def numbers(check: LogitCheck) -> dict[str, Any]:
    """Return the numbers of a check under the names that the messages use."""
    return {
        "diff": check.max_abs_diff,
        "tolerance": check.tolerance,
        "agreement": check.top1_agreement,
        "positions": check.positions,
        "dtype": check.dtype,
    }
