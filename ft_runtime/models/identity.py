"""What identifies a model, so that a resumed run can tell whether it is the same one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime.files import sha256_file
from ft_runtime.models.files import CONFIG, weight_files
from ft_runtime.models.source import find_model

if TYPE_CHECKING:
    from ft_runtime.config import Config
    from ft_runtime.models.source import ModelSource

_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "chat_template.jinja",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
)


def model_identity(config: Config, source: ModelSource | None = None) -> dict[str, Any]:
    """Return plain data that changes whenever the model's files do.

    Parameters
    ----------
    config : Config
    source : ModelSource, optional
        Where the model was found; looked up when it is not given.

    Returns
    -------
    dict
        ``id`` and ``revision`` (a commit) of a hub model; ``files`` (name to SHA-256 of config,
        weights, tokenizer and code) of a folder, which may have moved since.
    """
    found = source or find_model(config)
    if found.revision is not None:
        return {"id": config.model_id, "revision": found.revision}
    folder = Path(found.name)
    names = [path.name for path in folder.iterdir() if path.is_file()]
    relevant = {CONFIG, *weight_files(names)} | {name for name in _TOKENIZER if name in names}
    if found.trust_remote_code:
        relevant |= {name for name in names if name.endswith(".py")}
    files = {name: sha256_file(folder / name) for name in sorted(relevant)}
    return {"files": files}
