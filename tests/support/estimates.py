"""Configs, and the smallest of models, for the tests of the estimate."""

from __future__ import annotations

from ft_runtime.config import Config, load_config

ROWS, TOKENS, VOCABULARY = 3, 100, 1000
SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 256,
    "intermediate_size": 688,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GROUPED = {**SMALL, "num_key_value_heads": 4}


def make_config(tune_type: str = "lora", precision: str = "none", **more) -> Config:
    lora = {"lora": {"r": 8, **more.pop("lora", {})}} if tune_type != "full" else {}
    return load_config(
        {
            "model_id": "m",
            "tune_type": tune_type,
            **lora,
            "dataset": {"path": "a.jsonl", "format": "jsonl_prompt"},
            "hw": {"device": "cpu", "mixed_precision": precision},
            **more,
            "hyperparams": {
                "batch_size_train": ROWS,
                "max_seq_len": TOKENS,
                **more.get("hyperparams", {}),
            },
        }
    )
