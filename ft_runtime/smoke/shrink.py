"""A model's architecture at toy size: two narrow layers, everything else as it is."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

LAYERS = 2
WIDTH = 64
HEADS = 4
POSITIONS = 512
"""Longest row of a toy, in tokens."""
LIMIT = 50_000_000
"""Most parameters of a toy; a vocabulary of 256,000 words takes 33 million with its head."""

# Architectures name the same thing differently; each name is set only where it exists.
_LAYERS = (
    "num_hidden_layers",
    "n_layer",
    "n_layers",
    "num_layers",
    "num_decoder_layers",
    "encoder_layers",
    "decoder_layers",
)
_WIDTHS = (
    "hidden_size",
    "n_embd",
    "d_model",
    "dim",
    "embedding_size",
    "word_embed_proj_dim",
    "pooler_hidden_size",
)
_INNER = (
    "intermediate_size",
    "intermediate_size_mlp",
    "moe_intermediate_size",
    "shared_expert_intermediate_size",
    "ffn_dim",
    "ffn_hidden_size",
    "encoder_ffn_dim",
    "decoder_ffn_dim",
    "n_inner",
    "d_ff",
    "hidden_dim",
)
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads")
_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
_SMALL = {
    "head_dim": WIDTH // HEADS,
    "global_head_dim": WIDTH // HEADS,
    "num_experts_per_tok": 2,
    "moe_topk": 2,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": WIDTH // HEADS,
    "qk_rope_head_dim": WIDTH // HEADS,
    "qk_head_dim": 2 * WIDTH // HEADS,
    "v_head_dim": WIDTH // HEADS,
    "rotary_dim": WIDTH // HEADS,
    "sliding_window": 128,
    "query_pre_attn_scalar": WIDTH // HEADS,
    "num_kv_shared_layers": 0,
    "hidden_size_per_layer_input": 8,
}


@dataclass(frozen=True)
class Toy:
    """A small model with random weights.

    Attributes
    ----------
    model : PreTrainedModel
    stands_in : bool
        True when the architecture allows no toy, and a Llama or BERT of toy size stands in for it.
    """

    model: PreTrainedModel
    stands_in: bool


def make_toy(
    config: PretrainedConfig, auto: Any, rows: int, trust_remote_code: bool = False
) -> Toy:
    """Return a model of the architecture of `config` at toy size, in float32, on the CPU.

    Parameters
    ----------
    config : PretrainedConfig
        Of the full-size model.
    auto : type
        ``AutoModelForCausalLM`` or ``AutoModelForSequenceClassification``.
    rows : int
        Rows of the embedding, for the stand-in.
    trust_remote_code : bool
        Whether the model's own Python files may be run.
    """
    # A model that also sees or hears: only its language part is trained on text.
    text = config.get_text_config()
    for candidate in (text, config) if text is not config else (config,):
        model = _try(candidate, auto, trust_remote_code)
        if model is not None:
            return Toy(model, stands_in=False)
    return Toy(auto.from_config(_stand_in(auto, rows)), stands_in=True)


def toy_config(config: PretrainedConfig) -> PretrainedConfig:
    """Return a copy of a model's config at toy size; vocabulary and kind of layers stay.

    The spread of random weights is 1 / sqrt(width): with the usual 0.02, meant for widths in the
    thousands, so narrow a model gives almost the same answer to everything, and learns slowly.
    """
    toy = type(config).from_dict(config.to_dict())
    _shrink(toy.get_text_config())
    toy.__dict__.pop("quantization_config", None)
    return toy


def count_parameters(config: PretrainedConfig, auto: Any, trust_remote_code: bool = False) -> int:
    """Return how many parameters a model of this config has, without making them."""
    import torch

    with torch.device("meta"):
        model = auto.from_config(config, trust_remote_code=trust_remote_code)
    return sum(parameter.numel() for parameter in model.parameters())


def _try(config: PretrainedConfig, auto: Any, trust_remote_code: bool) -> PreTrainedModel | None:
    """Return a toy that computes; None when the architecture does not allow these sizes."""
    import torch

    try:
        toy = toy_config(config)
        if count_parameters(toy, auto, trust_remote_code) > LIMIT:
            return None
        model: PreTrainedModel = auto.from_config(
            toy, trust_remote_code=trust_remote_code, dtype=torch.float32
        )
        with torch.no_grad():
            model.eval()(input_ids=torch.ones(1, 8, dtype=torch.long))
    # An architecture may raise anything at all about sizes that do not fit each other.
    except Exception:
        return None
    return model


def _stand_in(auto: Any, rows: int) -> PretrainedConfig:
    from transformers import BertConfig, LlamaConfig

    causal = auto.__name__ == "AutoModelForCausalLM"
    kind = LlamaConfig if causal else BertConfig
    config: PretrainedConfig = kind(vocab_size=rows)
    _shrink(config)
    return config


def _shrink(config: PretrainedConfig) -> None:
    depth = next((_get(config, name) for name in _LAYERS if _number(config, name)), None)
    heads = next((_get(config, name) for name in _HEADS if _number(config, name)), HEADS)
    _cut_lists(config, depth)
    for name in _LAYERS:
        _set(config, name, LAYERS)
    for name in _WIDTHS:
        _set(config, name, WIDTH)
    for name in _INNER:
        _set(config, name, 2 * WIDTH)
    for name in _HEADS:
        _set(config, name, HEADS)
    for name in _EXPERTS:
        _set(config, name, HEADS)
    for name in _POSITIONS:
        _set(config, name, min(POSITIONS, _get(config, name) or POSITIONS))
    for name, value in _SMALL.items():
        _set(config, name, value)
    # Shared keys and values stay shared, and one for each head stays one for each head.
    shared = _get(config, "num_key_value_heads") or heads
    _set(config, "num_key_value_heads", max(1, HEADS * shared // heads) if heads else HEADS)
    _set(config, "initializer_range", 1 / math.sqrt(WIDTH))
    _set(config, "init_std", 1 / math.sqrt(WIDTH))
    _plain_positions(config)


def _cut_lists(config: PretrainedConfig, depth: int | None) -> None:
    """Cut lists with one entry a layer; where there are two kinds of layers, one of each stays."""
    for name, value in list(vars(config).items()):
        if isinstance(value, (list, tuple)) and depth is not None and len(value) == depth > LAYERS:
            try:
                kinds = list(dict.fromkeys(value))
            except TypeError:
                kinds = []
            setattr(config, name, (kinds if len(kinds) >= LAYERS else list(value))[:LAYERS])


def _plain_positions(config: PretrainedConfig) -> None:
    """Drop positions that are stretched by a table: it is made for the full width."""
    rope = getattr(config, "rope_parameters", None)
    if not isinstance(rope, dict):
        return
    nested = any(isinstance(value, dict) for value in rope.values())
    plain = {key: _plain(value) for key, value in rope.items()} if nested else _plain(rope)
    config.rope_parameters = plain


def _plain(rope: Any) -> Any:
    if not isinstance(rope, dict) or not any(isinstance(x, (list, tuple)) for x in rope.values()):
        return rope
    kept = ("rope_theta", "partial_rotary_factor")
    return {"rope_type": "default", **{key: rope[key] for key in kept if key in rope}}


def _number(config: PretrainedConfig, name: str) -> bool:
    return isinstance(_get(config, name), int) and not isinstance(_get(config, name), bool)


def _get(config: PretrainedConfig, name: str) -> Any:
    try:
        return getattr(config, name, None)
    except Exception:  # attributes that differ from layer to layer refuse to be read here
        return None


def _set(config: PretrainedConfig, name: str, value: Any) -> None:
    """Set an attribute where it exists, is a number, and can be set."""
    if isinstance(_get(config, name), (int, float)):
        with suppress(AttributeError, NotImplementedError):
            setattr(config, name, value)
