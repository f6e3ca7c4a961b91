"""Loading back what was saved, and comparing it with the model in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime import compat
from ft_runtime.artifacts.probe import (
    LogitCheck,
    compare_logits,
    compute_dtype,
    is_classifier,
    logits_of,
    probe_rows,
)
from ft_runtime.artifacts.saved import numbers
from ft_runtime.evaluation.base import device_like, load_base, reload_needed, set_aside
from ft_runtime.evaluation.state import (
    free_memory,
    inner,
    is_adapter,
    random_state_kept,
    undisturbed,
)
from ft_runtime.findings import Finding, finding, text

if TYPE_CHECKING:
    import torch

    from ft_runtime.config import Config

_NAME = "ft_reload_check"


def check_reload(
    config: Config, model: Any, tokenizer: Any, folder: Path, live: torch.Tensor
) -> tuple[LogitCheck | None, list[Finding]]:
    """Load the saved folder and compare its logits with those of the model in memory.

    An adapter is loaded beside itself onto the base that is already in memory; where the base in
    memory was changed in place, and for a whole model, everything is loaded anew.

    Parameters
    ----------
    config : Config
    model : transformers model or PeftModel
        What was saved; afterwards as it was.
    tokenizer : PreTrainedTokenizerBase
    folder : Path
        What was written.
    live : torch.Tensor
        Logits of `model` on the probe tokens.

    Returns
    -------
    LogitCheck or None
        None when there was not enough memory.
    list of Finding
        ``artifacts.reload_differs`` or ``artifacts.reload_unchecked``.
    """
    rows = probe_rows(tokenizer, model)
    try:
        with random_state_kept():
            loaded = _loaded_logits(config, model, tokenizer, folder, rows)
    except (MemoryError, RuntimeError, OSError, ValueError, KeyError) as error:
        reason = text("artifacts.no_memory") if _is_memory(error) else _first_line(error)
        free_memory()
        return None, [finding("artifacts.reload_unchecked", where=str(folder), reason=reason)]
    check = compare_logits(live, loaded, compute_dtype(model))
    if check.passed:
        return check, []
    return check, [finding("artifacts.reload_differs", where=str(folder), **numbers(check))]


def _loaded_logits(
    config: Config, model: Any, tokenizer: Any, folder: Path, rows: list[list[int]]
) -> torch.Tensor:
    if is_adapter(model) and not reload_needed(model):
        return _beside_itself(model, folder, rows)
    with set_aside(model) as device_type:
        if is_adapter(model):
            device = device_like(model, device_type)
            base = load_base(config, device, tokenizer, label_names(model))
            loaded = with_adapter(base, folder)
        else:
            loaded = load_whole(model, folder, next(model.parameters()).dtype).to(device_type)
        try:
            return logits_of(loaded, rows)
        finally:
            del loaded
            free_memory()


def _beside_itself(model: Any, folder: Path, rows: list[list[int]]) -> torch.Tensor:
    """Load the adapter under a second name onto the base in memory, and take it off again."""
    active = model.active_adapter
    with undisturbed(model):
        try:
            with compat.quiet_libraries():
                model.load_adapter(str(folder), adapter_name=_NAME, is_trainable=False)
            model.set_adapter(_NAME)
            return logits_of(model, rows)
        finally:
            model.set_adapter(active)
            if _NAME in model.peft_config:
                model.delete_adapter(_NAME)


def with_adapter(base: Any, folder: Path) -> Any:
    """Return `base` with the saved adapter on it."""
    with compat.quiet_libraries():
        return compat.import_peft().PeftModel.from_pretrained(base, str(folder))


def load_whole(model: Any, folder: Path, dtype: Any) -> Any:
    """Load a whole model of the class of `model` from `folder`."""
    with compat.quiet_libraries():
        return type(inner(model)).from_pretrained(str(folder), dtype=dtype).eval()


def label_names(model: Any) -> list[str] | None:
    """Return the labels of a classifier by number; None for another model."""
    config = inner(model).config
    if not is_classifier(model):
        return None
    return [config.id2label[index] for index in range(config.num_labels)]


def _is_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "out of memory" in str(error).lower()


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
