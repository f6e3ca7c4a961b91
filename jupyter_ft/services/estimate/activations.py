"""What the backward pass needs of a batch, and what the C library keeps of it.

The counts and their sources stand in `jupyter_ft.services.estimate.memory`.
"""

from __future__ import annotations

from ft_runtime.config import Config
from jupyter_ft.services.estimate.setting import Setting
from jupyter_ft.services.estimate.shape import Linear, Shape

_LARGE_BLOCK = 32 << 20


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


def activations(shape: Shape, config: Config, use: Setting, tokens: int, logits: int) -> float:
    """Return the bytes that are kept for a batch when the backward pass begins.

    With checkpointing a layer is computed again when the logits are gone: the larger one counts,
    and with the layer two gradients of the inner width that its backward pass holds.
    """
    layer = tokens * _layer(shape, config, use)
    outside = tokens * 3 * 4 * shape.hidden
    if not use.checkpointing:
        return shape.layers * layer + outside
    residual = 2 if use.mixed and use.tune_type != "full" else 4
    inputs = tokens * shape.layers * residual * shape.hidden
    again = layer + tokens * 2 * (2 if use.mixed else 4) * shape.inner
    return inputs + outside + max(0.0, again - logits)


def kept_by_malloc(shape: Shape, config: Config, use: Setting, tokens: int) -> float:
    """Return the bytes of activations that the C library keeps after they were freed, at worst.

    glibc serves blocks below 32 MiB from a heap that it cannot hand back from the middle
    (mallopt(3), M_MMAP_THRESHOLD, "dynamic adjustment"). Measured for adapters on a CPU with glibc
    2.36: up to 0.6 of the activations, and with checkpointing nearly all that it saves, as if every
    layer were still there; a fifth of that once hidden states are blocks of 32 MiB. With a fixed
    threshold (``MALLOC_MMAP_THRESHOLD_=1048576``) nothing is kept, and small models take half more
    time.
    """
    if not use.keeps_freed:
        return 0.0
    share = 1.0 if use.checkpointing else 0.6
    if tokens * (2 if use.mixed else 4) * shape.hidden >= _LARGE_BLOCK:
        share /= 5
    return share * shape.layers * tokens * _layer(shape, config, use)


def _layer(shape: Shape, config: Config, use: Setting) -> float:
    """Return the bytes that one layer keeps for one token.

    Counted with `torch.autograd.graph.saved_tensors_hooks`: e is 2 bytes in 16 bits, else 4.
    """
    e = 2 if use.mixed else 4
    hidden, inner = shape.hidden, shape.inner
    frozen = use.tune_type != "full"
    # Queries, keys, values and the result; one number a head for the softmax.
    # Measured: GPT-2 and GPT-NeoX, with LayerNorm, keep no more than with 16 bits throughout.
    scores = 4 if use.exact_attention and not shape.fused_norm else e
    kept = scores * (2.0 * shape.query + 2 * shape.key) + 4 * shape.heads
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
        # Each adapter drops a copy of its input; a mask is a byte on a GPU, as large on a CPU.
        return kept + sum(widths) * (e + (1 if use.gpu else e))
    if use.mixed and lora.use_dora:
        return kept + 4 * sum(widths)
    # Matrices that read the same input share it: nothing is cast on the way (`no_adapter_casts`).
    shared = 2 * shape.hidden if widths else 0
    return kept + e * (shared + (shape.inner if shape.inner in widths else 0))


def _dropout(shape: Shape, use: Setting) -> float:
    """Return masks of hidden states, and on a CPU the attention matrix, kept for its dropout."""
    masks = 2.0 * shape.hidden * (1 if use.gpu else 4)
    return masks if use.gpu else masks + 3 * 4 * shape.heads * use.tokens
