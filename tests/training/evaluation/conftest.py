import pytest


@pytest.fixture(scope="session")
def small_lm():
    """A random Llama of 97 tokens: small enough to recompute everything by hand."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=97,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        initializer_range=0.5,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return LlamaForCausalLM(config).eval()


@pytest.fixture(scope="session")
def small_classifier():
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=97,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_labels=3,
        pad_token_id=0,
        initializer_range=0.5,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return BertForSequenceClassification(config).eval()


@pytest.fixture
def token_rows():
    """Rows of different lengths with a prompt that is not learned, and one that learns nothing."""
    import numpy as np

    generator = np.random.default_rng(5)
    rows = []
    for length, prompt in [(5, 2), (19, 11), (8, 0), (30, 29), (12, 12), (2, 1), (17, 3)]:
        ids = generator.integers(3, 97, size=length).tolist()
        rows.append({"input_ids": ids, "labels": [-100] * prompt + ids[prompt:]})
    return rows
