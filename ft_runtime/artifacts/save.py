"""`save_model`: adapter or model with its tokenizer, whole, checked by loading it back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ft_runtime import processes
from ft_runtime.artifacts.card import write_card
from ft_runtime.artifacts.ends import end_token_ids, stopping_at
from ft_runtime.artifacts.folder import whole_folder, write_sums
from ft_runtime.artifacts.merge import merge_adapter
from ft_runtime.artifacts.probe import logits_of, probe_rows
from ft_runtime.artifacts.push import push_folder
from ft_runtime.artifacts.reload import check_reload
from ft_runtime.artifacts.saved import SavedModel
from ft_runtime.artifacts.size import saved_size
from ft_runtime.evaluation.state import is_adapter
from ft_runtime.files import write_text_atomic
from ft_runtime.findings import finding, notify

if TYPE_CHECKING:
    from ft_runtime.config import Config
    from ft_runtime.runs import Run


def save_model(config: Config, model: Any, tokenizer: Any, run: Run) -> SavedModel:
    """Save what was trained into the run folder and prove that it loads to the same model.

    LoRA and QLoRA leave ``adapter/``, full fine-tuning ``model/``; each with the tokenizer and its
    chat template, a model card and ``SHA256SUMS``. The folder is written under a hidden name and
    renamed when it is complete. With ``artifacts.merge`` a merged 16-bit model goes to ``merged/``;
    with ``artifacts.push_to_hub`` the folder is uploaded.

    Parameters
    ----------
    config : Config
    model : transformers model or PeftModel
        The tuned model; afterwards as it was.
    tokenizer : PreTrainedTokenizerBase
    run : Run

    Returns
    -------
    SavedModel
        Its findings (also shown) tell of a check, a merge or an upload that failed: then the saved
        folder is there all the same.

    Raises
    ------
    FindingsError
        ``artifacts.disk_full`` or ``artifacts.cannot_write``: nothing is left half-written, what
        was saved before is intact. ``training.fsdp_in_pieces`` for weights over several processes.
    """
    processes.refuse_pieces(model)
    kind: Literal["adapter", "model"] = "adapter" if is_adapter(model) else "model"
    target = run.path / kind
    live = logits_of(model, probe_rows(tokenizer, model))
    with whole_folder(target, saved_size(model, tokenizer)) as work:
        _write(config, model, tokenizer, work)
        write_card(run, work / "README.md")
        files = write_sums(work)
    check, found = check_reload(config, model, tokenizer, target, live)
    saved = SavedModel(target, kind, tuple(files), sum(item.bytes for item in files), check)
    if config.artifacts.merge:
        if kind == "adapter":
            merged, more = merge_adapter(config, model, tokenizer, target, live)
            saved, found = replace(saved, merged=merged), [*found, *more]
        else:
            found.append(finding("artifacts.merge_full", where="artifacts.merge"))
    url, more = push_folder(config, target)
    saved = replace(saved, url=url, findings=(*found, *more))
    notify(*saved.findings)
    run.update(saved=saved.to_dict())
    run.event("saved", folder=kind, bytes=saved.bytes, files=len(files))
    return saved


def _write(config: Config, model: Any, tokenizer: Any, folder: Path) -> None:
    """Write weights, configs and tokenizer."""
    if is_adapter(model):
        # The embedding is never resized here; "auto" would ask the hub whether it was.
        model.save_pretrained(str(folder), save_embedding_layers=False)
        _sort_targets(folder / "adapter_config.json")
    else:
        with stopping_at(model, end_token_ids(config, tokenizer)):
            model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def _sort_targets(path: Path) -> None:
    """Put the names of the adapted layers in order: PEFT keeps a set, ordered by chance."""
    settings = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(settings.get("target_modules"), list):
        settings["target_modules"].sort()
        write_text_atomic(path, json.dumps(settings, indent=2, sort_keys=True))
