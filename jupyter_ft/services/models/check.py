"""Whether a model exists, whether it may be used, and what it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ft_runtime.data.places import printable
from ft_runtime.findings import Finding, finding
from ft_runtime.models.files import CONFIG, check_names
from jupyter_ft.services.models.facts import ModelFacts
from jupyter_ft.services.models.hub import ID, HubClient, HubError
from jupyter_ft.services.models.local import describe_folder
from jupyter_ft.services.places import Root
from jupyter_ft.services.problem import Problem, fields, refuse

PROVIDERS = ("hf_hub", "hf_local")


def check_model(body: Mapping[str, Any], root: Root, hub: HubClient) -> dict[str, Any]:
    """Answer what is known of a model; whatever is wrong with it is a finding.

    Parameters
    ----------
    body : Mapping
        ``provider`` (hf_hub or hf_local), ``model_id``, ``revision``.
    root : Root
        Local models are looked at inside the server's folder only.
    hub : HubClient
    """
    kinds = {"provider": "string", "model_id": "string", "revision": "string"}
    given = fields(body, kinds, ["provider", "model_id"])
    if given["provider"] not in PROVIDERS:
        got = printable(given["provider"], 60)
        values = {"expected": "one of " + ", ".join(PROVIDERS), "got": got}
        raise refuse(400, "server.bad_field", "provider", name="provider", **values)
    hub.forget_failures()
    return find_model(given["provider"], given["model_id"], given["revision"], root, hub).answer()


def find_model(
    provider: str, model_id: str, revision: str | None, root: Root, hub: HubClient
) -> ModelFacts:
    """Return the facts of a model; what is wrong is among its findings."""
    if provider == "hf_local":
        return _local(model_id, root)
    return _hub(model_id, revision, hub)


def _local(model_id: str, root: Root) -> ModelFacts:
    facts = ModelFacts("local")
    shown = printable(model_id, 200)
    try:
        path = Path(model_id).expanduser()
        if path.is_absolute() and root.folder is not None:
            # An absolute path is fine as long as it leads into the folder that the server shows.
            folder = root.folder.resolve()
            real = path.resolve()
            model_id = real.relative_to(folder).as_posix() if real.is_relative_to(folder) else "/.."
        place = root.find(model_id)
    except (ValueError, RuntimeError, OSError):
        facts.findings = [finding("server.no_model_folder", "model_id", path=shown)]
        return facts
    except Problem as problem:
        outside = problem.main.code in ("server.outside_root", "server.no_root")
        code = "server.model_outside" if outside else "server.no_model_folder"
        facts.findings = [finding(code, "model_id", path=shown)]
        return facts
    if not place.is_dir():
        facts.findings = [finding("models.not_a_folder", "model_id", got=shown)]
        return facts
    return describe_folder(place, shown)


def _hub(model_id: str, revision: str | None, hub: HubClient) -> ModelFacts:
    facts = ModelFacts("hub")
    shown = printable(model_id, 120)
    if not ID.fullmatch(model_id) or ".." in model_id or "--" in model_id:
        why = "expected owner/name of letters, digits, - _ and ."
        facts.findings = [finding("models.bad_id", "model_id", got=shown, why=why)]
        return facts
    if hub.offline:
        facts.findings = [finding("server.hub_offline", "model_id", id=shown)]
        return facts
    try:
        _ask(facts, model_id, revision, hub)
    except HubError as failure:
        facts.findings.append(_told(failure, shown, revision, hub))
    except (KeyError, TypeError, AttributeError):
        # An answer of another form than the hub's: a proxy, perhaps, or a login page.
        odd = HubError("the answer is no description of a model")
        facts.findings.append(_told(odd, shown, revision, hub))
    return facts


def _ask(facts: ModelFacts, model_id: str, revision: str | None, hub: HubClient) -> None:
    info = hub.describe(model_id, revision)
    facts.exists = True
    facts.gated = bool(info.get("gated"))
    facts.commit = str(info["sha"]) if info.get("sha") else None
    card = info.get("cardData")
    licence = card.get("license") if isinstance(card, Mapping) else None
    facts.licence = str(licence)[:80] if licence else None
    siblings = info.get("siblings") or []
    facts.files = [str(s["rfilename"]) for s in siblings if "/" not in str(s.get("rfilename", "/"))]
    weights = info.get("safetensors")
    total = weights.get("total") if isinstance(weights, Mapping) else None
    facts.counted = total if isinstance(total, int) else None
    if facts.gated and not hub.may_read(model_id):
        page = f"{hub.endpoint}/{model_id}"
        facts.findings.append(finding("models.gated", "model_id", got=model_id, page=page))
        return
    commit = facts.commit or revision or "main"
    base = card.get("base_model") if isinstance(card, Mapping) else None
    facts.findings += check_names(facts.files, model_id, str(base or ""))
    if CONFIG in facts.files:
        document = hub.file(model_id, commit, CONFIG)
        facts.config = document if isinstance(document, dict) else None
    if "tokenizer_config.json" in facts.files:
        document = hub.file(model_id, commit, "tokenizer_config.json")
        facts.tokenizer = document if isinstance(document, dict) else None


def _told(failure: HubError, shown: str, revision: str | None, hub: HubClient) -> Finding:
    """Turn what went wrong with the hub into a finding."""
    if failure.code == "RevisionNotFound":
        got = printable(revision or "", 80)
        return finding("models.no_revision", "revision", id=shown, got=got)
    if failure.code == "GatedRepo":
        return finding("models.gated", "model_id", got=shown, page=f"{hub.endpoint}/{shown}")
    if failure.status in (401, 403, 404):
        return finding("models.hub_not_found", "model_id", got=shown)
    return unreachable(failure, shown, hub, "model_id")


def unreachable(failure: HubError, shown: str, hub: HubClient, where: str) -> Finding:
    """Return the finding for a hub that does not answer, or not as it should."""
    if failure.status:
        return finding("server.hub_failed", where, id=shown, status=failure.status)
    if failure.timeout:
        return finding("server.hub_timeout", where, id=shown, seconds=f"{hub.timeout:g}")
    problem = printable(str(failure), 200)
    return finding("server.hub_unreachable", where, id=shown, problem=problem)
