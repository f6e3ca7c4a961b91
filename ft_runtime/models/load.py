"""Loading the model, ready to be trained as the config says."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ft_runtime import processes
from ft_runtime.compat import hush_bitsandbytes, quiet_libraries
from ft_runtime.findings import FindingsError, finding, notify
from ft_runtime.lean import lean
from ft_runtime.models.adapters import add_adapter
from ft_runtime.models.architecture import ModelConfig, auto_class, check_task, read_model_config
from ft_runtime.models.errors import told
from ft_runtime.models.heads import check_loaded, head_modules, labels
from ft_runtime.models.identity import model_identity
from ft_runtime.models.quantization import keep_trainable_on_cpu, quantization_config
from ft_runtime.models.source import ModelSource, find_model

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ft_runtime.config import Config
    from ft_runtime.devices import Device
    from ft_runtime.runs import Run


@lean()
def load_model(
    config: Config,
    device: Device,
    tokenizer: PreTrainedTokenizerBase,
    label_names: Sequence[str] | None = None,
    run: Run | None = None,
) -> PreTrainedModel | PeftModel:
    """Load the base model and make it ready for full, LoRA or QLoRA tuning.

    Parameters
    ----------
    config : Config
    device : Device
        Where the model goes, and its number types: weights that are trained are float32; a frozen
        base has the device's type; a quantised one is computed in ``qlora.bnb_4bit_compute_dtype``.
    tokenizer : PreTrainedTokenizerBase
        As `load_tokenizer` returns it; its pad token goes into the model's config.
    label_names : sequence of str, optional
        Names of the classes in the order of their ids; required for classification.
    run : Run, optional
        Records which model it is; a run that goes on with another model is refused.

    Returns
    -------
    PreTrainedModel or PeftModel
        A language model, or a classifier that knows its labels; with an adapter unless
        ``tune_type`` is ``full``. New weights (adapter, classification head) depend on
        ``config.seed`` alone, and no random state is changed.

    Raises
    ------
    FindingsError
        When the model cannot be found, read, or trained in this way.
    """
    import torch

    hush_bitsandbytes()
    source = find_model(config)
    described = read_model_config(source)
    check_task(described, config.task, source.name)
    _check_quantised(described, config)
    _check_vocabulary(described, tokenizer, source)
    with _pinned(run, config, source), torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model, new_modules = _base(config, device, source, described, label_names)
        _check_checkpointing(model, config)
        _set_pad_token(model, tokenizer)
        if config.tune_type == "full":
            return model
        model = _freeze(model)
        return add_adapter(model, config, new_modules, source.revision)


@contextmanager
def _pinned(run: Run | None, config: Config, source: ModelSource) -> Iterator[None]:
    """Record which model it is; its files are read for that while the block loads them.

    A run that goes on insists on its model first.
    """
    if run is None:
        yield
    elif run.checkpoint is not None:
        run.pin("model", model_identity(config, source))
        yield
    else:
        with ThreadPoolExecutor(1) as beside:
            identity = beside.submit(model_identity, config, source)
            yield
        run.pin("model", identity.result())


def _base(
    config: Config,
    device: Device,
    source: ModelSource,
    described: ModelConfig,
    label_names: Sequence[str] | None,
) -> tuple[PreTrainedModel, list[str]]:
    """Return the loaded model and the names of its modules that the files have no weights for."""
    import transformers

    keywords: dict[str, Any] = {"dtype": _dtype(config, device), **source.kwargs}
    if config.task == "classification":
        keywords |= labels(label_names)
    if described.quantised is None:
        kept = head_modules(described, keywords) if config.task == "classification" else []
        keywords["quantization_config"] = quantization_config(config, device, kept)
    if processes.sharding_asked() and config.tune_type != "qlora":
        # Each process reads all weights into the CPU's memory, and keeps its part of them.
        os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"
    elif device.type != "cpu" or config.tune_type == "qlora":
        keywords["device_map"] = {
            "": processes.local_rank() if device.type == "cuda" else device.type
        }
    auto: Any = getattr(transformers, auto_class(config.task))
    with told(source.name), quiet_libraries():
        model, report = auto.from_pretrained(source.name, output_loading_info=True, **keywords)
    if device.type == "cpu":
        keep_trainable_on_cpu(model)
    return model, check_loaded(model, report, described, config.task, source.name)


def _dtype(config: Config, device: Device) -> torch.dtype:
    """Return the number type of the weights: float32 when they are trained.

    A bias that is trained belongs to a layer that is not; both must have one type.
    """
    import torch

    trained = config.tune_type == "full" or (config.lora and config.lora.bias != "none")
    return torch.float32 if trained else device.dtype


def _freeze(model: PreTrainedModel) -> PreTrainedModel:
    """Freeze the base; norms and other small weights of a quantised one become float32.

    The trainer turns on the recomputation of activations when the config asks for it.
    """
    if not getattr(model, "is_quantized", False):
        return model
    from ft_runtime.compat import import_peft

    prepared: PreTrainedModel = import_peft().prepare_model_for_kbit_training(
        model, use_gradient_checkpointing=False
    )
    return prepared


def _set_pad_token(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Write the pad token where models look for it: classifiers find the last token by it."""
    model.config.pad_token_id = tokenizer.pad_token_id
    model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    generation = getattr(model, "generation_config", None)
    if generation is not None:
        generation.pad_token_id = tokenizer.pad_token_id


def _check_checkpointing(model: PreTrainedModel, config: Config) -> None:
    asked = config.hyperparams.gradient_checkpointing in (True, "on")
    if asked and not model.supports_gradient_checkpointing:
        where = "hyperparams.gradient_checkpointing"
        raise FindingsError(
            [finding("models.no_checkpointing", where=where, got=type(model).__name__)]
        )


def _check_quantised(described: ModelConfig, config: Config) -> None:
    """Tell what follows when the weights were quantised before they were saved."""
    kind = described.quantised
    if kind is None:
        return
    if config.tune_type == "full":
        raise FindingsError([finding("models.quantised_full", where="tune_type", got=kind)])
    if config.tune_type == "qlora":
        notify(finding("models.quantised_before", where="qlora", got=kind))


def _check_vocabulary(
    described: ModelConfig, tokenizer: PreTrainedTokenizerBase, source: ModelSource
) -> None:
    rows = described.vocabulary
    if rows is not None and len(tokenizer) > rows:
        values = {"name": source.name, "tokens": len(tokenizer), "rows": rows}
        raise FindingsError([finding("models.tokenizer_larger", where="model_id", **values)])
