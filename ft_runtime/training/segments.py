"""Attention over rows laid end to end: each row attends to itself alone.

A packed batch is one long sequence. With a mask the attention would cost the square of its length;
here it is cut at the rows' ends, and the causal kernel of torch runs on each row. No token can see
another row, because it is never in the same call.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

NAME = "ft_packed"
"""Under this name the function is known to transformers."""
FLASH = "flash_attention_2"


class Segments:
    """The switch between a model's own attention and the packed one.

    Kept out of the keywords of the model, which some architectures drop on the way to their layers,
    and as plain numbers: reading them from a tensor would make a GPU wait in every layer.

    Attributes
    ----------
    lengths : list of int or None
        Tokens of each row of the sequence at hand; None outside of a packed batch.
    windows : set
        The sliding windows that layers asked for since `forget` was called.
    """

    def __init__(self) -> None:
        self.lengths: list[int] | None = None
        self.windows: set[int] = set()

    @contextlib.contextmanager
    def of(self, lengths: Sequence[int] | None) -> Iterator[None]:
        """Say which rows the next forward and backward passes are about."""
        before, self.lengths = self.lengths, None if lengths is None else list(lengths)
        try:
            yield
        finally:
            self.lengths = before


SEGMENTS = Segments()


def register(outside_compiler: bool = False) -> None:
    """Make the packed attention known to transformers; it asks for no mask.

    Parameters
    ----------
    outside_compiler : bool
        Keep torch's compiler out of it: it would compile anew for each list of lengths.
    """
    from transformers.masking_utils import AttentionMaskInterface
    from transformers.modeling_utils import AttentionInterface

    function = packed_attention
    if outside_compiler:
        import torch

        function = torch.compiler.disable(function)
    AttentionInterface.register(NAME, function)
    AttentionMaskInterface.register(NAME, _mask)


def implementation(model: Any, device: str, half: bool) -> str:
    """Return the attention to pack with: FlashAttention's where it is installed and fits, or ours.

    Parameters
    ----------
    model : PreTrainedModel or PeftModel
    device : str
        ``cpu``, ``cuda``, ``mps``.
    half : bool
        Whether it computes in 16 bits, which FlashAttention needs.
    """
    if device == "cuda" and half:
        from transformers.utils import is_flash_attn_2_available

        if is_flash_attn_2_available() and getattr(model, "_supports_flash_attn", False):
            return FLASH
    return NAME


@contextlib.contextmanager
def switched(model: Any, name: str | None) -> Iterator[None]:
    """Let the layers of a model compute their attention by `name` while the block runs.

    Outside of the block, and with None, the model is as it was: evaluation and generation use the
    attention that it was loaded with.
    """
    configs = _configs(model) if name is not None else []
    before = [config._attn_implementation for config in configs]
    for config in configs:
        config._attn_implementation = name
    try:
        yield
    finally:
        for config, old in zip(configs, before, strict=True):
            config._attn_implementation = old


def _configs(model: Any) -> list[Any]:
    """Return the configs that the layers of a model look into, each once."""
    found: dict[int, Any] = {}
    for module in model.modules():
        config = getattr(module, "config", None)
        if config is not None and hasattr(config, "_attn_implementation"):
            found[id(config)] = config
    return list(found.values())


def packed_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention within each row of a packed sequence.

    Parameters
    ----------
    query : Tensor
        Shape (1, heads, tokens, size of a head).
    key, value : Tensor
        Shape (1, heads of keys, tokens, size of a head); several query heads may share one.
    sliding_window : int, optional
        How many tokens back a token sees, itself included.
    softcap : float, optional
        Scores are squeezed between plus and minus this number (Gemma 2).

    Returns
    -------
    tuple
        Tensor of shape (1, tokens, heads, size of a head), and no weights.

    Raises
    ------
    NotImplementedError
        For what this attention does not know: sinks, position biases.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if SEGMENTS.lengths is None:
        more = {} if softcap is None else {"softcap": softcap}
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **more, **kwargs
        )
    for name in ("s_aux", "position_bias", "head_mask"):
        if kwargs.get(name) is not None:
            raise NotImplementedError(f"packed attention does not know {name}")
    if kwargs.get("is_causal") is False or not getattr(module, "is_causal", True):
        raise NotImplementedError("packed attention is causal, and this layer is not")
    if sum(SEGMENTS.lengths) != query.shape[2] or query.shape[0] != 1:
        raise NotImplementedError("this layer does not see the tokens as they were packed")
    if sliding_window is not None:
        SEGMENTS.windows.add(int(sliding_window))
    return _each(query, key, value, dropout, scaling, sliding_window, softcap), None


def _each(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    dropout: float,
    scaling: float | None,
    window: int | None,
    softcap: float | None,
) -> torch.Tensor:
    import torch

    lengths = SEGMENTS.lengths or []
    given = query.dtype
    exact = _computes_better_in_float32(query)
    if exact:
        query, key, value = query.float(), key.float(), value.float()
    found = []
    with torch.autocast(query.device.type, enabled=False):
        key, value = key.to(query.dtype), value.to(query.dtype)
        for q, k, v in zip(
            query.split(lengths, 2), key.split(lengths, 2), value.split(lengths, 2), strict=True
        ):
            if softcap is None:
                row = _row(q, k, v, dropout, scaling, window)
            else:
                row = _capped(q, k, v, dropout, scaling, window, softcap)
            found.append(row.transpose(1, 2))
        joined = found[0].contiguous() if len(found) == 1 else torch.cat(found, 1)
    return joined.to(given) if exact else joined


def _row(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    dropout: float,
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    from torch.nn import functional

    limited = window is not None and query.shape[2] > window
    return functional.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=_band(query, window) if limited else None,
        dropout_p=dropout,
        is_causal=not limited,
        scale=scaling,
        enable_gqa=query.shape[1] != key.shape[1],
    )


def _capped(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    dropout: float,
    scaling: float | None,
    window: int | None,
    softcap: float,
) -> torch.Tensor:
    """Attention by its definition, for scores that are squeezed before the softmax."""
    import torch
    from torch.nn import functional

    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = torch.matmul(query, key.transpose(2, 3)) * scale
    scores = softcap * torch.tanh(scores / softcap)
    scores = scores.masked_fill(~_band(query, window), float("-inf"))
    weights = functional.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    return torch.matmul(functional.dropout(weights, dropout), value)


def _band(query: torch.Tensor, window: int | None) -> torch.Tensor:
    """Return who sees whom in one row: itself and what came before, as far as the window goes."""
    import torch

    length = query.shape[2]
    seen = torch.ones(length, length, dtype=torch.bool, device=query.device).tril()
    return seen if window is None else seen.triu(1 - window)


def _computes_better_in_float32(query: torch.Tensor) -> bool:
    """Tell whether torch's attention is faster in 32 bits: on a CPU without matrix tiles (AMX)."""
    import torch

    if query.device.type != "cpu" or query.dtype == torch.float32:
        return False
    return not _has_tiles()


def _has_tiles() -> bool:
    import torch

    asked = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(asked and asked())


def _mask(*args: Any, **kwargs: Any) -> torch.Tensor | None:
    """Return no mask for packed rows, and torch's own for all others."""
    from transformers.masking_utils import sdpa_mask

    return None if SEGMENTS.lengths is not None else sdpa_mask(*args, **kwargs)
