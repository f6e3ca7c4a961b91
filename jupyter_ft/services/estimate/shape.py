"""The shape of a model, read from its config.json: which matrices it has, and how large they are.

Source of the layouts: the modelling files of transformers for the types named below. The numbers
of parameters that follow are compared in the tests with those that the models really have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


class UnknownShapeError(Exception):
    """The config does not say enough, or is of a type that is not known here."""


@dataclass(frozen=True)
class Linear:
    """A matrix of one layer: ``outputs`` x ``inputs`` weights, and a bias perhaps."""

    name: str
    inputs: int
    outputs: int
    bias: bool = False

    @property
    def weights(self) -> int:
        """Weights without the bias."""
        return self.inputs * self.outputs


@dataclass(frozen=True)
class Shape:
    """A transformer, as far as memory is concerned.

    Attributes
    ----------
    kind : str
        ``model_type``.
    causal : bool
        A decoder with a language head, and not an encoder.
    hidden, layers, vocabulary, heads : int
    query, key : int
        Width of all query heads together, and of all key heads.
    inner : int
        Width of the feed-forward part.
    gated : bool
        Whether that part has a gate (SwiGLU and its kind).
    linears : tuple of Linear
        Of one layer.
    small : int
        Other weights of one layer: norms.
    embeddings : int
        Weights of all embeddings.
    head : int
        Weights of a language head of its own; 0 when it is tied to the embeddings.
    rest : int
        Everything else: final norm, pooler.
    fused_norm : bool
        LayerNorm, which is one operation, and not RMSNorm, which transformers writes out.
    normed : int
        Width of everything that one layer normalises.
    matrix : bool
        Whether attention keeps its matrix (capped scores are not computed in one operation).
    inner_kept : int
        Tensors of the inner width that the activation function keeps.
    dropout : bool
        Whether hidden states and attention are dropped in training, as in BERT and GPT-2.
    new_head : int
        Weights of the dense layer that a classification head has besides the output.
    """

    kind: str
    causal: bool
    hidden: int
    layers: int
    vocabulary: int
    heads: int
    query: int
    key: int
    inner: int
    gated: bool
    linears: tuple[Linear, ...]
    small: int
    embeddings: int
    head: int
    rest: int
    fused_norm: bool = False
    dropout: bool = False
    new_head: int = 0
    normed: int = 0
    matrix: bool = False
    inner_kept: int = 1

    @property
    def matrices(self) -> int:
        """Weights in the linear layers of all blocks, without biases."""
        return self.layers * sum(linear.weights for linear in self.linears)

    @property
    def parameters(self) -> int:
        """All parameters of the base model; tied ones count once."""
        biases = sum(linear.outputs for linear in self.linears if linear.bias)
        blocks = self.matrices + self.layers * (biases + self.small)
        return blocks + self.embeddings + self.head + self.rest


def shape_of(config: Mapping[str, Any]) -> Shape:
    """Return the shape that a config.json describes.

    Raises
    ------
    UnknownShapeError
        For a type that is not known here, and for a config without the usual fields.
    """
    kind = config.get("model_type")
    maker = _MAKERS.get(kind) if isinstance(kind, str) else None
    if maker is None:
        raise UnknownShapeError(str(kind)[:60])
    return maker(_Numbers(config), str(kind))


class _Numbers:
    """Reads positive whole numbers from a config that anybody may have written."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config

    def __call__(self, name: str, default: int | None = None) -> int:
        value = self._config.get(name)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 32:
            raise UnknownShapeError(name)
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self._config.get(name)
        return value if isinstance(value, bool) else default

    def rate(self, name: str, default: float) -> float:
        value = self._config.get(name)
        return float(value) if isinstance(value, int | float) else default


_TIED = {"gemma", "gemma2", "gemma3_text", "smollm3"}
_QKV_BIAS = {"qwen2"}
_FOUR_NORMS = {"gemma2", "gemma3_text"}
_HEAD_NORMS = {"qwen3", "gemma3_text"}


def _decoder(number: _Numbers, kind: str) -> Shape:
    """Return the shape of Llama and its relatives: RMSNorm, rotary positions, a gate."""
    hidden, heads = number("hidden_size"), number("num_attention_heads")
    width = number("head_dim", max(hidden // heads, 1))
    key = width * number("num_key_value_heads", heads)
    query, inner, vocabulary = heads * width, number("intermediate_size"), number("vocab_size")
    biased = number.flag("attention_bias", False)
    qkv, out = (True, False) if kind in _QKV_BIAS else (biased, biased)
    wide = number.flag("mlp_bias", False)
    linears: tuple[Linear, ...]
    if kind == "phi3":
        linears = (
            Linear("qkv_proj", hidden, query + 2 * key),
            Linear("o_proj", query, hidden),
            Linear("gate_up_proj", hidden, 2 * inner),
            Linear("down_proj", inner, hidden),
        )
    else:
        linears = (
            Linear("q_proj", hidden, query, qkv),
            Linear("k_proj", hidden, key, qkv),
            Linear("v_proj", hidden, key, qkv),
            Linear("o_proj", query, hidden, out),
            Linear("gate_proj", hidden, inner, wide),
            Linear("up_proj", hidden, inner, wide),
            Linear("down_proj", inner, hidden, wide),
        )
    norms = normed = (4 if kind in _FOUR_NORMS else 2) * hidden
    if kind in _HEAD_NORMS:
        norms, normed = norms + 2 * width, normed + query + key
    elif kind == "olmo2":
        norms, normed = norms + query + key, normed + query + key
    tied = number.flag("tie_word_embeddings", kind in _TIED)
    table = vocabulary * hidden
    return Shape(
        kind, True, hidden, number("num_hidden_layers"), vocabulary, heads, query, key, inner, True,
        linears, norms, table, 0 if tied else table, hidden, normed=normed, inner_kept=3,
        matrix=kind == "gemma2",
    )  # fmt: skip


def _gpt2(number: _Numbers, kind: str) -> Shape:
    hidden, heads, vocabulary = number("n_embd"), number("n_head"), number("vocab_size")
    inner = number("n_inner", 4 * hidden)
    linears = (
        Linear("c_attn", hidden, 3 * hidden, True),
        Linear("c_proj", hidden, hidden, True),
        Linear("c_fc", hidden, inner, True),
        Linear("c_proj", inner, hidden, True),
    )
    tables = hidden * (vocabulary + number("n_positions", 1024))
    return Shape(
        kind, True, hidden, number("n_layer"), vocabulary, heads, hidden, hidden, inner, False,
        linears, 4 * hidden, tables, 0, 2 * hidden, fused_norm=True, normed=2 * hidden,
        inner_kept=5, dropout=number.rate("attn_pdrop", 0.1) > 0,
    )  # fmt: skip


def _gpt_neox(number: _Numbers, kind: str) -> Shape:
    hidden, heads = number("hidden_size"), number("num_attention_heads")
    inner, vocabulary = number("intermediate_size"), number("vocab_size")
    linears = (
        Linear("query_key_value", hidden, 3 * hidden, True),
        Linear("dense", hidden, hidden, True),
        Linear("dense_h_to_4h", hidden, inner, True),
        Linear("dense_4h_to_h", inner, hidden, True),
    )
    table = vocabulary * hidden
    tied = number.flag("tie_word_embeddings", False)
    return Shape(
        kind, True, hidden, number("num_hidden_layers"), vocabulary, heads, hidden, hidden, inner,
        False, linears, 4 * hidden, table, 0 if tied else table, 2 * hidden, fused_norm=True,
        normed=2 * hidden,
    )  # fmt: skip


def _bert(number: _Numbers, kind: str) -> Shape:
    hidden, heads = number("hidden_size"), number("num_attention_heads")
    inner, vocabulary = number("intermediate_size"), number("vocab_size")
    names = ("query", "key", "value", "attention.output.dense")
    linears = (
        *(Linear(name, hidden, hidden, True) for name in names),
        Linear("intermediate.dense", hidden, inner, True),
        Linear("output.dense", inner, hidden, True),
    )
    rows = vocabulary + number("max_position_embeddings") + number("type_vocab_size", 2)
    dense = hidden * hidden + hidden
    # RoBERTa classifies with a dense layer of its own, in the place of BERT's pooler.
    return Shape(
        kind, False, hidden, number("num_hidden_layers"), vocabulary, heads, hidden, hidden, inner,
        False, linears, 4 * hidden, rows * hidden + 2 * hidden, 0, dense, fused_norm=True,
        normed=2 * hidden,
        dropout=number.rate("attention_probs_dropout_prob", 0.1) > 0,
        new_head=0 if kind == "bert" else dense,
    )  # fmt: skip


def _distilbert(number: _Numbers, kind: str) -> Shape:
    hidden, heads = number("dim"), number("n_heads")
    inner, vocabulary = number("hidden_dim"), number("vocab_size")
    linears = (
        *(Linear(name, hidden, hidden, True) for name in ("q_lin", "k_lin", "v_lin", "out_lin")),
        Linear("lin1", hidden, inner, True),
        Linear("lin2", inner, hidden, True),
    )
    rows = vocabulary + number("max_position_embeddings")
    return Shape(
        kind, False, hidden, number("n_layers"), vocabulary, heads, hidden, hidden, inner, False,
        linears, 4 * hidden, rows * hidden + 2 * hidden, 0, 0, fused_norm=True,
        normed=2 * hidden,
        dropout=number.rate("attention_dropout", 0.1) > 0, new_head=hidden * hidden + hidden,
    )  # fmt: skip


_LLAMAS = (
    "llama", "mistral", "qwen2", "qwen3", "phi3", "gemma", "gemma2", "gemma3_text", "granite",
    "olmo2", "smollm3",
)  # fmt: skip
_MAKERS: dict[str, Callable[[_Numbers, str], Shape]] = {
    **dict.fromkeys(_LLAMAS, _decoder),
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "camembert"), _bert),
    "distilbert": _distilbert,
    "gpt2": _gpt2,
    "gpt_neox": _gpt_neox,
}
KNOWN = tuple(_MAKERS)
"""Values of ``model_type`` whose shape is known here."""
