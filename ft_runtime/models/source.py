"""Where a model lies: a folder, or a repository of the hub at one commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.models import folder, hub

if TYPE_CHECKING:
    from ft_runtime.config import Config


@dataclass(frozen=True)
class ModelSource:
    """A model that is there and can be read.

    Attributes
    ----------
    name : str
        What ``from_pretrained`` takes: a folder, or the id of a repository.
    revision : str or None
        The commit of the repository, 40 hexadecimal digits; None for a folder.
    local_only : bool
        True when the hub cannot be reached and the local cache is used.
    trust_remote_code : bool
        Whether Python files of the model may be run, as the config says.
    """

    name: str
    revision: str | None = None
    local_only: bool = False
    trust_remote_code: bool = False

    @property
    def kwargs(self) -> dict[str, Any]:
        """Keywords of ``from_pretrained`` that belong to the place."""
        kwargs: dict[str, Any] = {"trust_remote_code": self.trust_remote_code}
        if self.revision is not None:
            kwargs["revision"] = self.revision
        if self.local_only:
            kwargs["local_files_only"] = True
        return kwargs


def find_model(config: Config) -> ModelSource:
    """Find the model of the config and check that its files are those of a base model.

    A revision of the hub that is a branch or a tag is resolved to its commit, so that tokenizer,
    model, and a later resume all use the same files.

    Raises
    ------
    FindingsError
        When there is no such folder or repository, it may not be read, or it holds no model.
    """
    trusted = bool(config.trust_remote_code)
    if config.provider == "hf_local":
        return ModelSource(folder.check_folder(config.model_id), trust_remote_code=trusted)
    commit, local_only = hub.resolve(config.model_id, config.revision)
    return ModelSource(config.model_id, commit, local_only, trusted)
