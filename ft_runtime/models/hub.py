"""A model of the Hugging Face hub: does it exist, may it be read, at which commit."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from ft_runtime import compat
from ft_runtime.findings import Finding, FindingsError, finding, notify, raise_for_errors
from ft_runtime.models.files import CONFIG, check_names

TIMEOUT = 10.0
"""Seconds to wait for an answer of the hub before the local cache is tried."""


def resolve(repository: str, revision: str | None) -> tuple[str, bool]:
    """Return the commit of `revision` and whether only the local cache may be used.

    Raises
    ------
    FindingsError
        When the repository or the revision does not exist, is gated, holds no base model, or
        cannot be reached and is not in the cache.
    """
    from huggingface_hub import errors

    try:
        info = _ask(repository, revision)
    except errors.GatedRepoError:
        raise FindingsError([_gated(repository)]) from None
    except errors.RevisionNotFoundError:
        problem = finding("models.no_revision", where="revision", id=repository, got=revision)
        raise FindingsError([problem]) from None
    except errors.RepositoryNotFoundError:
        problem = finding("models.hub_not_found", where="model_id", got=repository)
        raise FindingsError([problem]) from None
    except errors.HFValidationError as error:
        problem = finding("models.bad_id", where="model_id", got=repository, why=_first(error))
        raise FindingsError([problem]) from None
    except _unreachable() as error:
        return _from_cache(repository, revision, error), True
    names = [file.rfilename for file in info.siblings or [] if "/" not in file.rfilename]
    base = str(getattr(info.card_data, "base_model", None) or "")
    raise_for_errors(check_names(names, repository, base))
    return str(info.sha), False


def _ask(repository: str, revision: str | None) -> Any:
    """Return the hub's description of a model that this user may read.

    A branch or tag that is asked for is written into the local cache with its commit: the files
    are then fetched by commit, and without this the cache could not tell, offline, which it was.
    """
    from huggingface_hub import HfApi, errors, hf_hub_download

    api = HfApi()
    info = api.model_info(repository, revision=revision, timeout=TIMEOUT)
    # The description of a gated model is public; only its files are not.
    if info.gated:
        api.auth_check(repository)
    with suppress(errors.EntryNotFoundError):
        hf_hub_download(repository, CONFIG, revision=revision)
    return info


def _from_cache(repository: str, revision: str | None, error: Exception) -> str:
    """Return the commit that the local cache holds for `revision`."""
    from huggingface_hub import errors, snapshot_download

    offline = isinstance(error, errors.OfflineModeIsEnabled)
    try:
        path = snapshot_download(repository, revision=revision, local_files_only=True)
    except (errors.LocalEntryNotFoundError, errors.HfHubHTTPError, OSError, ValueError):
        code = "models.offline" if offline else "models.hub_unreachable"
        problem = finding(code, where="model_id", id=repository, got=_first(error))
        raise FindingsError([problem]) from None
    commit = Path(path).name
    if not offline:
        notify(finding("models.cached", where="model_id", id=repository, got=commit[:12]))
    return commit


def _unreachable() -> tuple[type[Exception], ...]:
    from huggingface_hub import errors

    return (errors.HfHubHTTPError, *compat.http_errors())


def _gated(repository: str) -> Finding:
    from huggingface_hub import constants

    page = f"{constants.ENDPOINT}/{repository}"
    return finding("models.gated", where="model_id", got=repository, page=page)


def _first(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
