"""The smoke test passes when training works, and fails, by name, when it does not."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ft_runtime as ft
from ft_runtime.findings import Finding, FindingsError, subscribed
from ft_runtime.smoke import SmokeResult, smoke_test, trial
from support.settings import make_config


def measured(result: SmokeResult) -> dict[str, str]:
    return {proof.name: proof.measured for proof in result.proofs}


def failures(config: Any) -> list[str]:
    with pytest.raises(FindingsError) as error:
        smoke_test(config)
    return [item.code for item in error.value.findings]


@pytest.mark.parametrize("tune_type", ["full", "lora", "qlora"])
@pytest.mark.parametrize("format", ["jsonl_chat", "csv_classification"])
@pytest.mark.parametrize("precision", ["none", "bf16"])
def test_it_passes_where_training_works(
    tune_type: str, format: str, precision: str, tiny_causal_dir: Path, tiny_encoder_dir: Path
) -> None:
    model = tiny_causal_dir if format == "jsonl_chat" else tiny_encoder_dir
    hw = {"mixed_precision": precision}
    result = smoke_test(make_config(model, tune_type=tune_type, format=format, hw=hw))
    assert result.passed
    names = ["steps", "weights", "canary", "reload"]
    if tune_type != "full":
        names[2:2] = ["base", "adapter"]
    assert [proof.name for proof in result.proofs] == names
    before, after = map(float, measured(result)["canary"].split(" → "))
    assert after < 0.98 * before
    assert result.rows == 50
    assert "the model itself" in result.model


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "jsonl_instr", "hyperparams": {"packing": True}},
        {"format": "jsonl_prompt", "lora": {"init_lora_weights": "pissa"}},
        {"lora": {"use_dora": True, "bias": "all"}},
        {"hyperparams": {"lr_scheduler": "reduce_lr_on_plateau", "gradient_checkpointing": True}},
        {"tune_type": "qlora", "qlora": {"bits": 8}},
    ],
)
def test_it_passes_with_variants(fields: dict[str, Any], tiny_causal_dir: Path) -> None:
    assert smoke_test(make_config(tiny_causal_dir, **fields)).passed


def test_without_a_config_it_trains_a_model_of_ours() -> None:
    assert smoke_test().passed


@pytest.fixture
def big(tmp_path: Path, tiny_causal_dir: Path) -> Path:
    """A model too large to be trained itself: 6 million parameters."""
    import shutil

    from transformers import Qwen2Config, Qwen2ForCausalLM

    shape = Qwen2Config(
        vocab_size=32_000,
        hidden_size=192,
        intermediate_size=128,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=2,
        tie_word_embeddings=False,
    )
    Qwen2ForCausalLM(shape).save_pretrained(tmp_path / "big")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(tiny_causal_dir / name, tmp_path / "big" / name)
    return tmp_path / "big"


@pytest.mark.parametrize("format", ["jsonl_chat", "csv_classification"])
def test_of_a_large_model_a_toy_is_trained(big: Path, format: str) -> None:
    result = smoke_test(make_config(big, format=format))
    assert result.passed
    assert "a toy of Qwen2ForCausalLM" in result.model


def test_it_leaves_no_trace(tiny_causal_dir: Path, tmp_path: Path) -> None:
    config = make_config(tiny_causal_dir, artifacts={"output_dir": str(tmp_path / "run")})
    run = ft.start_run(config)
    told: list[Finding] = []
    os.environ["TENSORBOARD_LOGGING_DIR"] = "mine"
    files = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # type: ignore[index,union-attr]
    try:
        with subscribed(told.append):
            # Packing is told of when it is used, and a base model without a template as well.
            smoke_test(make_config(tiny_causal_dir, hyperparams={"packing": True}))
        after = (
            random.getstate(),
            np.random.get_state()[1].tolist(),
            torch.get_rng_state().tolist(),
        )  # type: ignore[index,union-attr]
        assert before == after
        assert told == []
        assert os.environ["TENSORBOARD_LOGGING_DIR"] == "mine"
        assert {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()} == files
    finally:
        run.close()
        del os.environ["TENSORBOARD_LOGGING_DIR"]


def test_the_result_shows_itself(tiny_encoder_dir: Path) -> None:
    result = smoke_test(make_config(tiny_encoder_dir, format="csv_classification"), rows=20)
    assert len(repr(result).splitlines()) == 1 + len(result.proofs)
    assert "✓" in repr(result)
    assert "✗" not in repr(result)
    assert result._repr_html_().count("<tr>") == len(result.proofs)


# What is broken below is broken on purpose.


@pytest.fixture
def broken_model(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], Any]], None]:
    """Change what `load_model` returns to the smoke test, and to it alone."""

    def change(how: Callable[[Any], Any]) -> None:
        from ft_runtime.models import load_model

        def load(config: Any, device: Any, tokenizer: Any, labels: Any, run: Any) -> Any:
            model = load_model(config, device, tokenizer, labels, run)
            how(model)
            return model

        monkeypatch.setattr(ft, "load_model", load, raising=False)

    return change


def test_a_learning_rate_of_nothing_is_found(
    tiny_causal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = {"full": 1e-30, "lora": 1e-30, "qlora": 1e-30}
    monkeypatch.setattr(trial, "RATES", {"causal_lm": nothing, "classification": nothing})
    found = failures(make_config(tiny_causal_dir, tune_type="full"))
    assert {"smoke.weights", "smoke.canary"} <= set(found)
    assert "smoke.reload" not in found


def test_frozen_weights_are_found(tiny_causal_dir: Path, broken_model: Any) -> None:
    broken_model(lambda model: model.requires_grad_(False))
    found = failures(make_config(tiny_causal_dir))
    assert found == ["smoke.steps", "smoke.weights", "smoke.canary"]


def test_an_adapter_that_is_switched_off_is_found(tiny_causal_dir: Path, broken_model: Any) -> None:
    def switch_off(model: Any) -> None:
        # Something else is left to train, so that there is a gradient.
        model.base_model.disable_adapter_layers()
        for name, weight in model.named_parameters():
            weight.requires_grad_("lora_" in name or name.endswith("model.norm.weight"))

    broken_model(switch_off)
    assert {"smoke.weights", "smoke.adapter"} <= set(failures(make_config(tiny_causal_dir)))


def test_a_gradient_that_is_cut_off_is_found(tiny_causal_dir: Path, broken_model: Any) -> None:
    def cut(model: Any) -> None:
        layer = model.base_model.model.model.layers[1]
        layer.register_forward_pre_hook(
            lambda module, args: (args[0].detach().requires_grad_(), *args[1:])
        )

    broken_model(cut)
    # The second layer learns, so everything else looks right.
    assert failures(make_config(tiny_causal_dir)) == ["smoke.adapter"]


def test_a_base_that_moves_is_found(tiny_causal_dir: Path, broken_model: Any) -> None:
    def leak(model: Any) -> None:
        weight = model.base_model.model.model.norm.weight

        def nudge(*_: Any) -> None:
            with torch.no_grad():
                weight.mul_(1.02)

        next(p for p in model.parameters() if p.requires_grad).register_hook(nudge)

    broken_model(leak)
    assert "smoke.base" in failures(make_config(tiny_causal_dir))


def test_a_model_that_does_not_reload_is_found(
    tiny_causal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ft_runtime.artifacts import reload

    def forgetful(base: Any, folder: Path) -> Any:
        return base

    monkeypatch.setattr(reload, "with_adapter", forgetful)
    assert failures(make_config(tiny_causal_dir)) == ["smoke.reload"]


def test_training_that_stops_early_is_found(
    tiny_causal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import TrainerCallback

    from ft_runtime.training import build_trainer

    class Stop(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
            control.should_training_stop = True
            return control

    def build(*args: Any) -> Any:
        trainer = build_trainer(*args)
        trainer.add_callback(Stop())
        return trainer

    monkeypatch.setattr(ft, "build_trainer", build, raising=False)
    assert "smoke.steps" in failures(make_config(tiny_causal_dir))


def test_what_keeps_it_from_running_is_told(tmp_path: Path) -> None:
    assert failures(make_config(tmp_path / "nowhere")) == ["models.no_path"]
