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
    adapters and their dropout. With gradient checkpointing (Chen et al. 2016, "Training Deep Nets
    with Sublinear Memory Cost", section 4) the input of each layer, and what one layer takes while
    it is computed again, as far as that is more than the logits, which are gone by then.
logits
    Those of one chunk (`ft_runtime.training.head_loss`), with their softmax; the gradient is made
    in its place. Zero for a classifier, whose head is small.
overhead
    What the process takes besides: libraries, workspaces, evaluation. Measured, not computed: a
    notebook's kernel from the first cell to the last. On a CPU also what the C library keeps of
    freed blocks, see `kept_by_malloc`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ft_runtime.config import Config
from ft_runtime.training.head_loss import rows_at_once
from jupyter_ft.services.estimate.activations import activations, adapted, kept_by_malloc
from jupyter_ft.services.estimate.setting import Setting
from jupyter_ft.services.estimate.shape import Shape

_CPU_OVERHEAD = 640 << 20
_GPU_OVERHEAD = 800 << 20
_CHANGED_LOGITS = {"gemma2", "granite"}
_BLOCK, _BLOCK_OF_BLOCKS = 64, 256
_STATES = {
    "adamw_torch": 8.0, "adamw_torch_fused": 8.0, "paged_adamw_32bit": 8.0,
    "adamw_bnb_8bit": 2.0, "paged_adamw_8bit": 2.0, "sgd": 0.0,
}  # fmt: skip


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


def memory(shape: Shape, config: Config, use: Setting) -> Memory:
    """Return the memory that one training step takes at its peak."""
    trained = trainable(shape, config)
    per_row = _STATES.get(config.hyperparams.optimizer)
    states = trained * per_row if per_row is not None else 4 * _factors(shape, config, trained)
    tokens = use.batch_tokens
    logits = _logits(shape, use) if _writes(shape, config) else 0
    return Memory(
        weights=round(_weights(shape, config, use, trained)),
        gradients=4 * trained,
        optimizer=round(states),
        activations=round(activations(shape, config, use, tokens, logits)),
        logits=logits,
        overhead=_GPU_OVERHEAD
        if use.gpu
        else _CPU_OVERHEAD + round(kept_by_malloc(shape, config, use, tokens)),
    )


def _logits(shape: Shape, use: Setting) -> int:
    """Return the bytes of what is made of one chunk of logits.

    Behind a plain head logits and softmax, 8 bytes in float32; in 16 bits the gradient is 2 bytes
    besides, and of a trained head those of four chunks wait, twice when they are put together.
    Logits that are capped or scaled pass through autograd: 20 bytes.
    """
    trained = use.tune_type == "full"
    changed = shape.kind in _CHANGED_LOGITS
    half = 16 if trained else 2
    each = 20 if changed else 8 + (half if use.mixed else 0)
    device = "cuda" if use.gpu else "cpu"
    tokens = min(use.batch_tokens, rows_at_once(shape.vocabulary, device, changed and trained))
    return each * tokens * shape.vocabulary


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
