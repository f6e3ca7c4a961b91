"""The adapter merged into its base in 16 bit, and the proof that the merged model is the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime.artifacts.ends import end_token_ids, stopping_at
from ft_runtime.artifacts.folder import megabytes, whole_folder, write_sums
from ft_runtime.artifacts.probe import compare_logits, logits_of, probe_rows
from ft_runtime.artifacts.reload import label_names, load_whole, with_adapter
from ft_runtime.artifacts.saved import MergedModel, numbers
from ft_runtime.evaluation.base import UNAVAILABLE, load_base
from ft_runtime.evaluation.state import free_memory, inner, random_state_kept
from ft_runtime.findings import Finding, FindingsError, finding

if TYPE_CHECKING:
    import torch

    from ft_runtime.config import Config
    from ft_runtime.devices import Device

FOLDER = "merged"
_BYTES = 2  # a weight in 16 bit
_ROOM = 1.2  # memory beside the weights: one layer's product, logits, buffers


def merge_adapter(
    config: Config, model: Any, tokenizer: Any, adapter: Path, trained: torch.Tensor
) -> tuple[MergedModel | None, list[Finding]]:
    """Merge the saved adapter into the un-quantised base and save it beside the adapter.

    The check compares the adapter on that base with the merged model as it is read back from the
    disk, both in 16 bit.

    Parameters
    ----------
    config : Config
    model : PeftModel
        The trained model, for its size and its labels; untouched.
    tokenizer : PreTrainedTokenizerBase
    adapter : Path
        The saved adapter.
    trained : torch.Tensor
        Logits of the trained model on the probe tokens.

    Returns
    -------
    MergedModel or None
        None when there was no memory, no base or no space: the findings tell.
    list of Finding
    """
    needed = int(inner(model).num_parameters() * _BYTES * _ROOM)
    dtype = merged_dtype(config)
    device = choose_device(needed, dtype)
    if device is None:
        values = {"needed": megabytes(needed), "free": megabytes(max(free_on().values()))}
        return None, [finding("artifacts.merge_memory", where="artifacts.merge", **values)]
    try:
        with random_state_kept():
            merged, base_logits, on = _merge(config, model, tokenizer, adapter, device, needed)
    except FindingsError as error:
        return None, error.findings
    except UNAVAILABLE as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        values = {"reason": reason, "model_id": config.model_id}
        return None, [finding("artifacts.base_unavailable", where="model_id", **values)]
    finally:
        free_memory()
    files, back = merged
    check = compare_logits(on, back, dtype)
    effect = float((on - base_logits).abs().max())
    result = MergedModel(
        path=adapter.parent / FOLDER,
        dtype=dtype,
        files=tuple(files),
        bytes=sum(item.bytes for item in files),
        check=check,
        effect=effect,
    )
    return result, _findings(config, result, trained, on)


def _merge(
    config: Config, model: Any, tokenizer: Any, adapter: Path, device: Device, needed: int
) -> tuple[tuple[list[Any], torch.Tensor], torch.Tensor, torch.Tensor]:
    """Return (files, logits of what was read back), logits of the base, and of adapter on base."""
    target = adapter.parent / FOLDER
    rows = probe_rows(tokenizer, model)
    base = load_base(config, device, tokenizer, label_names(model), quantised=False)
    base_logits = logits_of(base, rows)
    tuned = with_adapter(base, adapter)
    on = logits_of(tuned, rows)
    whole = tuned.merge_and_unload(safe_merge=True).to(device.dtype)
    with whole_folder(target, needed) as work:
        with stopping_at(whole, end_token_ids(config, tokenizer)):
            whole.save_pretrained(str(work))
        tokenizer.save_pretrained(str(work))
        files = write_sums(work)
    del base, tuned, whole
    free_memory()
    back = load_whole(model, target, device.dtype).to(device.type)
    return (files, logits_of(back, rows)), base_logits, on


def merged_dtype(config: Config) -> str:
    """Return the dtype of the merged weights: that of the base's files when it has 16 bit.

    Rounding a bfloat16 base to float16, or the reverse, would change it a second time. A base saved
    in float32 is merged in bfloat16, which cannot overflow.
    """
    from ft_runtime.models.architecture import read_model_config
    from ft_runtime.models.source import find_model

    saved = getattr(read_model_config(find_model(config)).config, "dtype", None)
    name = str(saved).removeprefix("torch.")
    return name if name in ("bfloat16", "float16") else "bfloat16"


def choose_device(needed: int, dtype: str) -> Device | None:
    """Return the GPU when `needed` bytes are free on it, else the CPU, else None."""
    from ft_runtime.devices import Device

    precision: Any = {"bfloat16": "bf16", "float16": "fp16"}[dtype]
    for kind, free in free_on().items():
        if free > needed:
            name: Any = kind
            return Device(name, kind, precision)
    return None


def free_on() -> dict[str, int]:
    """Return the free bytes of each device, the fastest first."""
    import psutil
    import torch

    found = {}
    if torch.cuda.is_available():
        free_memory()
        found["cuda"] = int(torch.cuda.mem_get_info()[0])
    return {**found, "cpu": int(psutil.virtual_memory().available)}


def _findings(
    config: Config, merged: MergedModel, trained: torch.Tensor, on: torch.Tensor
) -> list[Finding]:
    check, where = merged.check, str(merged.path)
    found = []
    if not check.passed:
        found.append(finding("artifacts.merge_differs", where=where, **numbers(check)))
    elif check.max_abs_diff > 0.5 * merged.effect:
        values = {"dtype": merged.dtype, "diff": check.max_abs_diff, "effect": merged.effect}
        found.append(finding("artifacts.merge_rounding", where=where, **values))
    if config.tune_type == "qlora":
        diff = float((trained - on).abs().max())
        found.append(finding("artifacts.merge_quantised_base", where=where, diff=diff))
    return found
