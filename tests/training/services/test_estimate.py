"""The estimate against what real models and real training steps take."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest

from ft_runtime.config import Config
from ft_runtime.devices import cpu_has_bf16, detect_device
from ft_runtime.training.arguments import batch_size
from ft_runtime.training.head_loss import rows_at_once
from ft_runtime.training.microbatches import CPU_TOKENS
from jupyter_ft.services.estimate.device import Machine, bf16_units
from jupyter_ft.services.estimate.memory import memory, trainable
from jupyter_ft.services.estimate.setting import batch_rows, setting
from jupyter_ft.services.estimate.shape import KNOWN, shape_of
from support.estimates import GROUPED, ROWS, SMALL, TOKENS, VOCABULARY, make_config

MODELS = {
    "llama": GROUPED,
    "mistral": GROUPED,
    "qwen2": GROUPED,
    "qwen3": {**GROUPED, "head_dim": 64},
    "phi3": {**SMALL, "num_key_value_heads": 8},
    "gemma": {**GROUPED, "head_dim": 32},
    "gemma2": {**GROUPED, "head_dim": 32},
    "gemma3_text": {**GROUPED, "head_dim": 32},
    "granite": GROUPED,
    "olmo2": GROUPED,
    "smollm3": GROUPED,
    "gpt_neox": SMALL,
    "gpt2": {
        "vocab_size": VOCABULARY,
        "n_embd": 256,
        "n_layer": 4,
        "n_head": 8,
        "n_positions": 512,
        "bos_token_id": 1,
        "eos_token_id": 2,
    },
    "bert": SMALL,
    "roberta": SMALL,
    "xlm-roberta": SMALL,
    "camembert": SMALL,
    "distilbert": {
        "vocab_size": VOCABULARY,
        "dim": 256,
        "hidden_dim": 688,
        "n_layers": 4,
        "n_heads": 8,
        "max_position_embeddings": 512,
        "pad_token_id": 0,
    },
}
DECODERS = [
    name
    for name in MODELS
    if name not in ("bert", "roberta", "xlm-roberta", "camembert", "distilbert")
]


def make_model(name: str):
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

    config = AutoConfig.for_model(name, **MODELS[name])
    return (AutoModelForCausalLM if name in DECODERS else AutoModel).from_config(config)


def test_every_known_type_is_compared():
    assert set(MODELS) == set(KNOWN)


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_counted_exactly(name):
    model = make_model(name)
    assert shape_of(model.config.to_dict()).parameters == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("lora", [{}, {"use_dora": True}, {"target_modules": ["o_proj"]}], ids=str)
def test_trained_parameters_are_counted_exactly(name, lora):
    from ft_runtime.models.adapters import add_adapter

    model = make_model(name)
    if "target_modules" in lora and name in ("gpt_neox", "gpt2"):
        lora = {"target_modules": ["c_proj" if name == "gpt2" else "dense"]}
    config = make_config(lora=lora)
    adapted = add_adapter(model, config)
    count = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    assert trainable(shape_of(model.config.to_dict()), config) == count


CASES = [
    ("full", "none", {}),
    ("full", "bf16", {}),
    ("lora", "none", {}),
    ("lora", "bf16", {}),
    ("lora", "none", {"lora": {"dropout": 0.0}}),
    ("lora", "bf16", {"lora": {"dropout": 0.0}}),
]


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize(("tune_type", "precision", "more"), CASES, ids=str)
def test_activations_are_those_that_torch_keeps(name, tune_type, precision, more):
    """Tensors that autograd saves, weights and their copies apart, within a fifth."""
    config = make_config(tune_type, precision, **more)
    model = make_model(name)
    shape = shape_of(model.config.to_dict())
    kept = saved_bytes(model, config)
    predicted = memory(shape, config, setting(config, "cpu", None, units=bf16_units())).activations
    assert predicted == pytest.approx(kept, rel=0.2)


def saved_bytes(model, config: Config) -> int:
    """Bytes of the tensors that the backward pass of one batch needs."""
    import torch

    from ft_runtime import compat
    from ft_runtime.models.adapters import add_adapter
    from ft_runtime.tokens.collate import PackedCollator
    from ft_runtime.training import segments
    from ft_runtime.training.probe import find_way

    half = config.hw.mixed_precision == "bf16"
    if config.tune_type == "lora":
        model = add_adapter(model.to(torch.bfloat16) if half else model, config)
    model.train()
    way = find_way(model, "auto", TOKENS, "cpu", half)
    assert way.packed
    assert way.quick is not None, way.findings
    weights = {tensor.shape for tensor in model.parameters()}
    weights |= {tensor.shape[::-1] for tensor in model.parameters()}
    storages = {tensor.untyped_storage().data_ptr() for tensor in model.parameters()}
    seen: dict[int, int] = {}
    alive = []

    def keep(tensor):
        storage = tensor.untyped_storage()
        copy = tensor.dim() == 2 and tensor.shape in weights
        logits = tensor.shape[-1:] == (VOCABULARY,)
        if storage.data_ptr() not in storages and not copy and not logits:
            seen[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor.detach())
        # The tensor itself would keep the graph, and with it the model, to the end of the process.
        return tensor.detach()

    ids = torch.randint(3, VOCABULARY, (ROWS, TOKENS)).tolist()
    batch = PackedCollator(way.attention)([{"input_ids": row, "labels": row} for row in ids])
    casting = compat.no_adapter_casts(model) if half else nullcontext()
    attention = segments.switched(model, way.attention)
    with casting, attention, segments.SEGMENTS.of([TOKENS] * ROWS):
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                way.quick(model, batch)
    return sum(seen.values())


def test_rows_are_cut_by_tokens_and_logits_by_chunks():
    shape = shape_of({"model_type": "llama", **GROUPED, "vocab_size": 100_000})
    step = {"batch_size_train": 8, "gradient_accumulation": 4, "max_seq_len": 512}
    sizes = {}
    for name, more in {"auto": {}, "small": {"tokens_per_batch": 100}, "few": {"gradient_accumulation": 1, "batch_size_train": 2}}.items():  # fmt: skip
        config = make_config(hyperparams={**step, **more})
        use = setting(config, "cpu", None)
        sizes[name] = use.batch_tokens
        # float32 logits of a chunk, and their softmax
        assert memory(shape, config, use).logits == 8 * rows_at_once(100_000, "cpu") * 100_000
    assert sizes == {"auto": CPU_TOKENS, "small": 512, "few": 1024}
    config = make_config(hyperparams=step)
    there = setting(config, "cuda", None)
    assert there.batch_tokens == 8 * 512
    assert memory(shape, config, there).logits == 8 * rows_at_once(100_000, "cuda") * 100_000
    assert rows_at_once(100_000, "cuda") > rows_at_once(100_000, "cpu")
    whole = setting(config, "cpu", None)
    again = memory(shape, config, replace(whole, checkpointing=True))
    assert again.activations < memory(shape, config, whole).activations


@pytest.mark.parametrize("length", [16, 300, 512, 3000, 9000])
def test_the_automatic_batch_is_that_of_the_training(length):
    config = make_config(hyperparams={"batch_size_train": "auto", "max_seq_len": length})
    assert batch_rows(config) == batch_size(config)


def test_this_cpu_computes_in_the_numbers_that_torch_says():
    units = bf16_units()
    assert bool(units) == cpu_has_bf16()
    config = make_config(precision="auto")
    assert setting(config, "cpu", None, units=units).mixed == (
        detect_device(config).precision == "bf16"
    )


def test_bf16_in_hardware_makes_a_cpu_faster():
    plain = Machine("cpu", "CPU", None, 100.0)
    able = replace(plain, units=frozenset({"avx512_bf16"}))
    assert (plain.rate(False), plain.rate(True), able.rate(False)) == (100.0, 100.0, 100.0)
    # Measured: 1.6. A GPU's speed is that of its 16 bits already.
    assert able.rate(True) == pytest.approx(160.0)
    assert Machine("cuda", "T4", None, 100.0).rate(True) == 100.0
    assert Machine("mps", "Apple GPU", None, None).rate(True) is None


def test_what_a_cpu_has_is_read_from_its_flags(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 amx_tile\n")
    units = bf16_units(path)
    assert units == {"avx512_bf16", "amx_tile"}
    path.write_text("processor\t: 0\nflags\t\t: fpu avx512f\n")
    assert not bf16_units(path)
    assert not bf16_units(tmp_path / "none")
    auto = make_config(precision="auto")
    assert setting(auto, "cpu", None, units=units).mixed
    assert not setting(auto, "cpu", None).mixed
    assert not setting(auto, "cpu", None, units=units).exact_attention
    assert setting(auto, "cpu", None, units=frozenset({"avx512_bf16"})).exact_attention
