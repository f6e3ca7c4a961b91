"""Upload a saved folder to the Hugging Face Hub, when the config asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime import compat
from ft_runtime.findings import Finding, finding

if TYPE_CHECKING:
    from ft_runtime.config import Config


def push_folder(config: Config, folder: Path, api: Any = None) -> tuple[str | None, list[Finding]]:
    """Upload `folder` to ``artifacts.hub_model_id``; the token is that of the Hugging Face login.

    A repository that does not exist yet is made private: what was trained on private data is not
    for everybody until its owner says so.

    Parameters
    ----------
    config : Config
        ``artifacts.push_to_hub`` off does nothing.
    folder : Path
        A complete folder.
    api : huggingface_hub.HfApi, optional
        The client; tests pass their own.

    Returns
    -------
    url : str or None
        Of the commit; None when nothing was uploaded.
    findings : list of Finding
        ``artifacts.push_failed`` or ``artifacts.push_no_name``; the folder is untouched by them.
    """
    if not config.artifacts.push_to_hub:
        return None, []
    name = config.artifacts.hub_model_id
    if not name:
        return None, [finding("artifacts.push_no_name", where="artifacts.hub_model_id")]
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi()
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    failures: tuple[type[Exception], ...] = (
        HfHubHTTPError,
        HFValidationError,
        OSError,
        ValueError,
        *compat.http_errors(),
    )
    try:
        api.create_repo(name, repo_type="model", private=True, exist_ok=True)
        commit = api.upload_folder(
            repo_id=name,
            folder_path=str(folder),
            repo_type="model",
            commit_message="Upload the fine-tuned model",
        )
    except failures as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        values = {"name": name, "folder": str(folder), "reason": reason}
        return None, [finding("artifacts.push_failed", where="artifacts.push_to_hub", **values)]
    return str(getattr(commit, "commit_url", commit)), []
