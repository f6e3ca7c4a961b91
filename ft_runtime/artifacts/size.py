"""How large a saved model will be."""

from __future__ import annotations

from typing import Any

from ft_runtime.evaluation.state import inner, is_adapter

_BYTES_A_TOKEN = 128  # of tokenizer.json, generously


def saved_size(model: Any, tokenizer: Any) -> int:
    """Estimate the bytes that saving will take: the tensors and the tokenizer."""
    seen: dict[int, int] = {}
    for tensor in _tensors(model).values():
        seen[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
    return sum(seen.values()) + _BYTES_A_TOKEN * len(tokenizer)


def _tensors(model: Any) -> dict[str, Any]:
    if not is_adapter(model):
        return inner(model).state_dict()
    from peft import get_peft_model_state_dict

    return get_peft_model_state_dict(model, save_embedding_layers=False)
