"""Every kind of tuning pauses and goes on exactly, through the verbs that a notebook calls."""

from __future__ import annotations

import pytest
from transformers import TrainerCallback

import ft_runtime as ft
from ft_runtime.runs import start
from ft_runtime.samples import write_sample
from ft_runtime.training import TrainingPaused
from support.toy_training import weights_digest

CAUSAL = {"format": "jsonl_chat", "split": {"train": 0.8, "val": 0.2}}
LABELS = {"format": "csv_classification", "split": {"train": 0.8, "val": 0.2}}
KINDS = [
    pytest.param("causal", {"tune_type": "qlora", "dataset": CAUSAL}, id="qlora, 4 bit"),
    pytest.param("causal", {"tune_type": "full", "dataset": CAUSAL}, id="full, chat"),
    pytest.param(
        "causal",
        {
            "tune_type": "lora",
            "dataset": CAUSAL,
            "hw": {"device": "cpu", "mixed_precision": "bf16"},
        },
        id="lora, bf16",
    ),
    pytest.param(
        "causal",
        {"tune_type": "lora", "dataset": CAUSAL, "hyperparams": {"gradient_checkpointing": True}},
        id="lora, gradient checkpointing",
    ),
    pytest.param("encoder", {"tune_type": "lora", "dataset": LABELS}, id="lora, classifier"),
    pytest.param("encoder", {"tune_type": "full", "dataset": LABELS}, id="full, classifier"),
]


class StopAt(TrainerCallback):
    def __init__(self, trainer, step):
        self.trainer, self.step = trainer, step

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step + 1 == self.step:
            callbacks = self.trainer.callback_handler.callbacks
            next(callback for callback in callbacks if hasattr(callback, "stop")).stop.request()


def sitting(folder, model, fields, data, stop=None):
    """Do what the notebook does up to training, as a new process would."""
    for run in list(start._open.values()):
        run.close()
    start._open.clear()
    config = ft.load_config(
        {
            "provider": "hf_local",
            "model_id": str(model),
            "artifacts": {"output_dir": str(folder)},
            "logs": "none",
            # auto would compute in other numbers on another machine.
            "hw": {"device": "cpu", "mixed_precision": "none"},
            **fields,
            "dataset": {**fields["dataset"], "path": str(data)},
            "hyperparams": {
                "num_epochs": 2,
                "batch_size_train": 4,
                "gradient_accumulation": 2,
                "learning_rate": 1e-3,
                **fields.get("hyperparams", {}),
            },
        }
    )
    ft.seed_everything(config.seed)
    device = ft.detect_device(config)
    run = ft.start_run(config, device)
    rows = ft.load_rows(config)
    splits = ft.split_rows(rows, config)
    tokenizer = ft.load_tokenizer(config)
    prepared = ft.prepare_data(config, rows, splits, tokenizer, run)
    loaded = ft.load_model(config, device, tokenizer, prepared.label_names, run)
    args = ft.training_arguments(config, device, run, progress=False)
    trainer = ft.build_trainer(config, loaded, args, tokenizer, prepared, run)
    if stop:
        trainer.add_callback(StopAt(trainer, stop))
        with pytest.raises(TrainingPaused):
            ft.train(trainer, run)
        return None, None
    return ft.train(trainer, run), weights_digest(loaded)


@pytest.mark.parametrize(("model", "fields"), KINDS)
def test_a_pause_changes_nothing(tmp_path, request, model, fields):
    base = request.getfixturevalue(f"tiny_{model}_dir")
    format = fields["dataset"]["format"]
    data = write_sample(format, tmp_path / f"data.{'csv' if format.startswith('csv') else 'jsonl'}")
    whole, expected = sitting(tmp_path / "whole", base, fields, data)
    assert whole.steps == 10
    assert whole.changed_tensors == whole.trainable_tensors
    if model == "causal":
        # Of a classifier eight labels a step say little after ten steps.
        assert whole.train_loss_last < whole.train_loss_first
    sitting(tmp_path / "run", base, fields, data, stop=3)
    sitting(tmp_path / "run", base, fields, data, stop=5)
    result, digest = sitting(tmp_path / "run", base, fields, data)
    assert result.resumed_from == 5
    assert digest == expected
