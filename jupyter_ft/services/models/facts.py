"""What a check tells of a model, read from its config and its tokenizer's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ft_runtime.findings import Finding, finding
from jupyter_ft.services.estimate.shape import UnknownShapeError, shape_of

# Names under which configs say how many positions the model knows.
_CONTEXT = ("max_position_embeddings", "n_positions", "max_seq_len", "n_ctx", "seq_length")
_TEMPLATE_FILES = {"chat_template.jinja", "chat_template.json"}


@dataclass
class ModelFacts:
    """One model, as far as it is known; None where it is not.

    Attributes
    ----------
    kind : {"hub", "local"}
    exists : bool
    gated : bool or None
    licence : str or None
    config : dict or None
        ``config.json``.
    tokenizer : dict or None
        ``tokenizer_config.json``.
    files : list of str or None
        Names at the top level.
    counted : int or None
        Parameters as the headers of the weight files have them.
    commit : str or None
        40 hexadecimal digits.
    findings : list of Finding
    """

    kind: str
    exists: bool = False
    gated: bool | None = None
    licence: str | None = None
    config: dict[str, Any] | None = None
    tokenizer: dict[str, Any] | None = None
    files: list[str] | None = None
    counted: int | None = None
    commit: str | None = None
    findings: list[Finding] = field(default_factory=list)

    def answer(self) -> dict[str, Any]:
        """Return the facts as the route ``models/check`` answers them."""
        config = self.config or {}
        quantised = quantisation(config)
        template = self.chat_template()
        found = list(self.findings)
        if quantised:
            found.append(finding("server.already_quantised", "model_id", got=quantised))
        if config.get("auto_map") and "model_type" in config:
            found.append(finding("server.remote_code", "trust_remote_code"))
        if template is False and _writes(config):
            found.append(finding("server.no_template", "model_id"))
        return {
            "exists": self.exists,
            "kind": self.kind,
            "gated": self.gated,
            "licence": self.licence,
            "architecture": _architecture(config),
            "parameters": self.parameters(),
            "context_length": context_length(config),
            "chat_template": template,
            "quantised": quantised,
            "commit": self.commit,
            "findings": [item.to_dict() for item in found],
        }

    def parameters(self) -> int | None:
        """Return the number of parameters, tied ones once: from the config, else from the files."""
        if self.config is not None:
            try:
                return shape_of(self.config).parameters
            except UnknownShapeError:
                pass
        packed = self.config is not None and quantisation(self.config) is not None
        return None if packed else self.counted

    def chat_template(self) -> bool | None:
        """Tell whether the tokenizer has a chat template."""
        if self.files is not None and _TEMPLATE_FILES & set(self.files):
            return True
        if self.tokenizer is not None:
            return bool(self.tokenizer.get("chat_template"))
        if self.files is not None and "tokenizer_config.json" not in self.files:
            return False
        return None


def context_length(config: Mapping[str, Any]) -> int | None:
    """Return the longest input in tokens, as the config says it."""
    for holder in (config, config.get("text_config") or {}):
        for name in _CONTEXT if isinstance(holder, Mapping) else ():
            value = holder.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None


def quantisation(config: Mapping[str, Any]) -> str | None:
    """Return how the weights were quantised before they were saved, or None."""
    settings = config.get("quantization_config")
    if not isinstance(settings, Mapping):
        return None
    return str(settings.get("quant_method") or "unknown")[:40]


def _architecture(config: Mapping[str, Any]) -> str | None:
    named = config.get("architectures")
    if isinstance(named, list) and named and isinstance(named[0], str):
        return named[0][:100]
    kind = config.get("model_type")
    return kind[:100] if isinstance(kind, str) else None


def _writes(config: Mapping[str, Any]) -> bool:
    names = config.get("architectures")
    return isinstance(names, list) and any(
        "CausalLM" in str(name) or "LMHead" in str(name) for name in names
    )
