"""Memory of a training step, in bytes, from the shape of the model and the config.

What is summed up:

weights
    4 bytes a weight that is trained (they are float32); a frozen base 2 bytes in mixed precision,
    else 4; in 4 bits 0.5 bytes and the quantisation constants, 32 bits a block of 64 weights,
    or with double quantisation 8 bits + 32 / 256 bits (Dettmers et al. 2023, QLoRA, section 3); in
    8 bits 1 byte and 4 for each row. Embeddings, norms and the head of a quantised base are not
    quantised and become float32. Autocast keeps a 16-bit copy of each float32 matrix besides.
gradients
    4 bytes a trained weight.
optimizer
    AdamW 8 bytes a trained weight (two float32 states; Loshchilov and Hutter 2019), its 8-bit
    versions 2, Adafactor rows and columns only, SGD without momentum none.
activations
    The tensors that the backward pass needs, layer by layer, after the count of Korthikanti et al.
    2022 ("Reducing Activation Recomputation in Large Transformer Models", section 4), redone for
    the layers of today: RMSNorm and gates, attention that does not keep its matrix, frozen weights,
    adapters and their dropout. With gradient checkpointing the input of each layer, and what one
    layer takes beyond the logits, which are gone when it is computed again.
logits
    12 bytes for each token and entry of the vocabulary: logits, log-probabilities and gradient of
    the loss in float32. Zero for a classifier, whose head is small.
overhead
    What the process takes besides: libraries and workspaces. Measured, not computed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ft_runtime.config import Config
from jupyter_ft.services.estimate.shape import Linear, Shape

_CPU_OVERHEAD = 700 << 20
_GPU_OVERHEAD = 800 << 20
_BLOCK, _BLOCK_OF_BLOCKS = 64, 256
_STATES = {
    "adamw_torch": 8.0, "adamw_torch_fused": 8.0, "paged_adamw_32bit": 8.0,
    "adamw_bnb_8bit": 2.0, "paged_adamw_8bit": 2.0, "sgd": 0.0,
}  # fmt: skip
AUTO_BATCH = 8
"""The batch that ``batch_size_train: auto`` starts with."""


@dataclass(frozen=True)
class Memory:
    """Bytes by what they are for."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    overhead: int

    @property
    def total(self) -> int:
        """All of them together."""
        return sum(asdict(self).values())

    def to_dict(self) -> dict[str, int]:
        """Return all parts and the total."""
        return {**asdict(self), "total": self.total}


@dataclass(frozen=True)
class Setting:
    """What of a config matters for memory.

    Attributes
    ----------
    tune_type : {"full", "lora", "qlora"}
    mixed : bool
        Matrix products in 16 bits.
    gpu : bool
    rows, tokens : int
        Of one batch; every row counts as long as the longest that is allowed.
    """

    tune_type: str
    mixed: bool
    gpu: bool
    rows: int
    tokens: int


def setting(config: Config, device: str, longest: int | None) -> Setting:
    """Read the setting from a config.

    Parameters
    ----------
    config : Config
    device : {"cpu", "cuda", "mps"}
    longest : int or None
        The model's own limit in tokens.
    """
    asked = config.hw.mixed_precision
    mixed = asked in ("bf16", "fp16") or (asked == "auto" and device == "cuda")
    batch = config.hyperparams.batch_size_train
    rows = AUTO_BATCH if batch == "auto" else int(batch)
    length = min(int(config.hyperparams.max_seq_len), longest or 1 << 30)
    return Setting(config.tune_type, mixed, device != "cpu", rows, length)


def memory(shape: Shape, config: Config, use: Setting) -> Memory:
    """Return the memory that one training step takes at its peak."""
    trained = trainable(shape, config)
    per_row = _STATES.get(config.hyperparams.optimizer)
    states = trained * per_row if per_row is not None else 4 * _factors(shape, config, trained)
    tokens = use.rows * use.tokens
    logits = 12 * tokens * shape.vocabulary if _writes(shape, config) else 0
    return Memory(
        weights=round(_weights(shape, config, use, trained)),
        gradients=4 * trained,
        optimizer=round(states),
        activations=round(_activations(shape, config, use, tokens, logits)),
        logits=logits,
        overhead=_GPU_OVERHEAD if use.gpu else _CPU_OVERHEAD,
    )


def trainable(shape: Shape, config: Config) -> int:
    """Return how many weights are trained: all of them, or those of the adapter.

    Every matrix of ``inputs`` x ``outputs`` gets two of rank r: r * (inputs + outputs) weights
    (Hu et al. 2021, LoRA, section 4.1); DoRA adds one magnitude an output.
    """
    head = _new_head(shape, config)
    if config.tune_type == "full":
        own = shape.head if not _writes(shape, config) else 0
        return shape.parameters - own + head
    lora = config.lora
    count = 0
    for linear in adapted(shape, config):
        count += lora.r * (linear.inputs + linear.outputs)
        count += linear.outputs if lora.use_dora else 0
        count += linear.outputs if lora.bias != "none" and linear.bias else 0
    return shape.layers * count + head


def adapted(shape: Shape, config: Config) -> list[Linear]:
    """Return the matrices of one layer that get an adapter."""
    wanted = config.lora.target_modules
    if isinstance(wanted, str):
        return list(shape.linears)
    return [
        linear
        for linear in shape.linears
        if any(linear.name == name or linear.name.endswith(f".{name}") for name in wanted)
    ]


def _writes(shape: Shape, config: Config) -> bool:
    return shape.causal and config.task == "causal_lm"


def _new_head(shape: Shape, config: Config) -> int:
    """Return the weights of a new classification head, for two classes."""
    return 0 if config.task == "causal_lm" else 2 * shape.hidden + shape.new_head


def _weights(shape: Shape, config: Config, use: Setting, trained: int) -> float:
    head = shape.head if _writes(shape, config) else 0
    everything = shape.parameters - shape.head + head
    base: float
    if use.tune_type == "full":
        copies = 2 * (shape.matrices + (head or _tied(shape, config))) if use.mixed else 0
        return 4 * (everything + _new_head(shape, config)) + copies
    size = 2 if use.mixed and config.lora.bias == "none" else 4
    copies = 2 * trained if use.mixed else 0
    base = size * everything
    if use.tune_type == "qlora":
        base = 4 * (everything - shape.matrices) + _quantised(shape, config)
    return base + 4 * trained + copies


def _tied(shape: Shape, config: Config) -> int:
    return shape.vocabulary * shape.hidden if _writes(shape, config) else 0


def _quantised(shape: Shape, config: Config) -> float:
    """Return the bytes of the quantised matrices with their constants."""
    if config.qlora.bits == 8:
        rows = shape.layers * sum(linear.outputs for linear in shape.linears)
        return shape.matrices + 4 * rows
    constant = 32.0
    if config.qlora.bnb_4bit_use_double_quant:
        constant = 8 + 32 / _BLOCK_OF_BLOCKS
    return shape.matrices * (4 + constant / _BLOCK) / 8


def _factors(shape: Shape, config: Config, trained: int) -> float:
    """Return the numbers that Adafactor keeps: one a row and one a column of each matrix."""
    if config.tune_type != "full":
        return float(trained)
    sides = sum(linear.inputs + linear.outputs for linear in shape.linears)
    return float(shape.layers * sides + shape.vocabulary + shape.hidden)


def _activations(shape: Shape, config: Config, use: Setting, tokens: int, logits: int) -> float:
    """Return the bytes that are kept for a batch when the backward pass begins.

    With checkpointing a layer is computed again when the logits are gone: the larger one counts.
    """
    layer = tokens * _layer(shape, config, use)
    outside = tokens * 3 * 4 * shape.hidden
    if config.hyperparams.gradient_checkpointing not in (True, "on"):
        return shape.layers * layer + outside
    residual = 2 if use.mixed and use.tune_type != "full" else 4
    inputs = tokens * shape.layers * residual * shape.hidden
    return inputs + outside + max(0.0, layer - logits)


def _layer(shape: Shape, config: Config, use: Setting) -> float:
    """Return the bytes that one layer keeps for one token.

    Counted with `torch.autograd.graph.saved_tensors_hooks`: e is 2 bytes in 16 bits, else 4.
    """
    e = 2 if use.mixed else 4
    hidden, inner = shape.hidden, shape.inner
    frozen = use.tune_type != "full"
    # Queries, keys, values and the result; one number a head for the softmax.
    kept = e * (2.0 * shape.query + 2 * shape.key) + 4 * shape.heads
    kept += e * inner * shape.inner_kept
    # RMSNorm keeps its input, and its result for the gradient of its weight.
    kept += 4 * shape.normed * (1 if frozen or shape.fused_norm else 2)
    if shape.matrix:
        kept += (4 + 2 * e) * shape.heads * use.tokens
    if shape.dropout:
        kept += _dropout(shape, use)
    if not frozen:
        inputs = (5 if shape.gated else 4) if use.mixed else 2
        return kept + e * (inputs * hidden + inner)
    return kept + _adapters(shape, config, use, e)


def _adapters(shape: Shape, config: Config, use: Setting, e: int) -> float:
    """Return what the adapters of one layer keep for one token: their inputs, masks and ranks."""
    lora = config.lora
    chosen = adapted(shape, config)
    widths = [linear.inputs for linear in chosen]
    kept = float(e * lora.r * len(chosen))
    if lora.dropout > 0:
        # Each adapter drops its own copy of the input; a mask is a byte on a GPU, a float on a CPU.
        return kept + sum(widths) * (e + (1 if use.gpu else 4))
    if use.mixed:
        return kept + e * sum(widths)
    # In one number type, matrices that read the same input share it.
    shared = 2 * shape.hidden if widths else 0
    return kept + e * (shared + (shape.inner if shape.inner in widths else 0))


def _dropout(shape: Shape, use: Setting) -> float:
    """Return masks of hidden states, and on a CPU the attention matrix, kept for its dropout."""
    masks = 2.0 * shape.hidden * (1 if use.gpu else 4)
    return masks if use.gpu else masks + 3 * 4 * shape.heads * use.tokens
