"""Building the small local models: a tokenizer, a shape, a few seconds of training, files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ft_runtime.tiny.pretrain import pretrain
from ft_runtime.tiny.texts import builtin_texts, example_texts
from ft_runtime.tiny.tokenizer import MAX_LENGTH, causal_tokenizer, encoder_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

VOCABULARY = 1024
WIDTH = 64
LAYERS = 2
HEADS = 4
INNER = 512
# About 1/sqrt(WIDTH): the usual 0.02 is made for widths in the thousands, and leaves so narrow a
# model in a corner that a short fine-tuning cannot leave.
INIT_STD = 0.1
PRETRAINING_STEPS = 200


def build_tiny_model(
    kind: Literal["causal", "encoder"],
    directory: str | Path,
    texts: Sequence[str] | None = None,
    seed: int = 0,
    steps: int = PRETRAINING_STEPS,
) -> Path:
    """Build a complete small model in seconds, offline: for demos, tests and first tries.

    Parameters
    ----------
    kind : {"causal", "encoder"}
        A Llama-shaped causal LM with a byte-level BPE tokenizer and a chat template, or a
        BERT-shaped encoder with a WordPiece tokenizer. About 0.3 million parameters each.
    directory : str or Path
        Where the files go; created when missing.
    texts : sequence of str, optional
        What the tokenizer learns its vocabulary from. Default: the example data sets when they are
        there, and in any case the built-in sentences.
    seed : int
        Seed of the weights.
    steps : int
        Training steps of the causal LM on made-up sentences; 0 leaves random weights. The encoder
        keeps random weights: on these, a classifier learns well enough.

    Returns
    -------
    Path
        `directory`, with config, safetensors, generation config and tokenizer. The same arguments
        give the same bytes on one machine and installation.
    """
    import torch

    read = [*builtin_texts(), *(example_texts() if texts is None else texts)]
    target = Path(directory)
    target.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]), _one_thread(), torch.device("cpu"):
        torch.manual_seed(seed)
        if kind == "causal":
            tokenizer = causal_tokenizer(read, VOCABULARY)
            model = _causal_model(tokenizer)
            pretrain(model, tokenizer, read, steps, seed)
        elif kind == "encoder":
            tokenizer = encoder_tokenizer(read, VOCABULARY)
            model = _encoder_model(tokenizer)
        else:
            raise ValueError(f'kind must be "causal" or "encoder", not {kind!r}')
    tokenizer.save_pretrained(target)
    model.save_pretrained(target)
    return target


def _causal_model(tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    special = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = LlamaConfig(
        vocab_size=_padded(len(tokenizer)),
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS // 2,
        max_position_embeddings=MAX_LENGTH,
        initializer_range=INIT_STD,
        tie_word_embeddings=True,
        **special,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(do_sample=False, max_new_tokens=64, **special)
    return model


def _encoder_model(tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    from transformers import BertConfig, BertForMaskedLM

    config = BertConfig(
        vocab_size=_padded(len(tokenizer)),
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        max_position_embeddings=MAX_LENGTH,
        initializer_range=INIT_STD,
        pad_token_id=tokenizer.pad_token_id,
    )
    return BertForMaskedLM(config).eval()


def _padded(size: int) -> int:
    """Round a vocabulary up to a multiple of 64, as the large models do."""
    return -(-size // 64) * 64


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in one thread: sums in a fixed order, so the same weights under any load."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
