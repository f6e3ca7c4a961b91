"""What kind of model a config describes, and whether it can be trained for the task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import Finding, FindingsError, finding, raise_for_errors
from ft_runtime.models.errors import told

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from ft_runtime.models.source import ModelSource

_CLASSES = {
    "causal_lm": "AutoModelForCausalLM",
    "classification": "AutoModelForSequenceClassification",
}


@dataclass(frozen=True)
class ModelConfig:
    """A model's config and what matters of it here.

    Attributes
    ----------
    config : PretrainedConfig
    raw : dict
        ``config.json`` as it is written.
    remote_classes : dict
        Classes that the model brings as Python files and may run, by the Auto class they stand for.
    """

    config: PretrainedConfig
    raw: dict[str, Any]
    remote_classes: dict[str, str]

    @property
    def vocabulary(self) -> int | None:
        """Rows of the embedding; None when the config does not tell."""
        try:
            return getattr(self.config.get_text_config(), "vocab_size", None)
        except ValueError:  # several texts go in and out
            return None

    @property
    def quantised(self) -> str | None:
        """How the weights were quantised when they were saved: ``bitsandbytes``, ``gptq``, ..."""
        settings = self.raw.get("quantization_config")
        return str(settings.get("quant_method", "?")) if isinstance(settings, dict) else None


def read_model_config(source: ModelSource) -> ModelConfig:
    """Read ``config.json``, without running code that was not allowed.

    Raises
    ------
    FindingsError
        When the model needs its own Python files and may not run them, when the installed
        transformers does not know its type, or when the file cannot be read.
    """
    from transformers import AutoConfig, PretrainedConfig

    with told(source.name):
        raw, _ = PretrainedConfig.get_config_dict(source.name, **source.kwargs)
        raise_for_errors(_known(raw, source))
        config = AutoConfig.from_pretrained(source.name, **source.kwargs)
    remote = raw.get("auto_map") or {} if source.trust_remote_code else {}
    return ModelConfig(config, raw, dict(remote))


def check_task(model: ModelConfig, task: str, name: str) -> None:
    """Check that a model of this architecture can be trained for `task`.

    Raises
    ------
    FindingsError
        When it cannot: an encoder as a language model, say.
    """
    if auto_class(task) in model.remote_classes or _fits(model, task):
        return
    kind = ", ".join(model.raw.get("architectures") or []) or str(model.raw.get("model_type"))
    raise FindingsError([finding(f"models.not_{task}", where="model_id", name=name, got=kind)])


def auto_class(task: str) -> str:
    """Return the name of the Auto class of transformers for a task."""
    return _CLASSES[task]


def _fits(model: ModelConfig, task: str) -> bool:
    from transformers.models.auto import modeling_auto as auto

    if task == "classification":
        return type(model.config) in auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING
    if type(model.config) not in auto.MODEL_FOR_CAUSAL_LM_MAPPING:
        return False
    # BERT has a class for causal use as well: what counts is what the weights were trained as.
    written = set(model.raw.get("architectures") or [])
    names = auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()
    causal = {name for entry in names for name in ([entry] if isinstance(entry, str) else entry)}
    return not written or bool(written & causal)


def _known(raw: dict[str, Any], source: ModelSource) -> list[Finding]:
    from transformers import CONFIG_MAPPING

    kind = raw.get("model_type")
    if kind in CONFIG_MAPPING:
        return []
    if not raw.get("auto_map"):
        return [_unknown(kind, source)]
    if source.trust_remote_code:
        return []
    return [finding("models.needs_remote_code", where="trust_remote_code", name=source.name)]


def _unknown(kind: Any, source: ModelSource) -> Finding:
    import transformers

    version = transformers.__version__
    got = "none" if kind is None else repr(kind)
    return finding(
        "models.unknown_type", where="model_id", name=source.name, got=got, version=version
    )
