"""Small tokenizers of three kinds, trained here in a fraction of a second."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from support.tokens.dialects import Dialect

WORDS = (
    "user assistant system model answer question hello world what is the capital of France Paris",
    "INST SYS User: Assistant: ### USER: ASSISTANT: think start end of turn im_start im_end",
    "The quick brown fox jumps over the lazy dog, 12345 times; then it rests.\n\nIt is late.\n",
)


@lru_cache
def byte_level(dialect: Dialect, trim_offsets: bool = False) -> Any:
    """Byte-level BPE, as in GPT-2, Llama 3, Qwen: nothing is unknown to it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.post_processor = processors.ByteLevel(trim_offsets=trim_offsets)
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    core.train_from_iterator(WORDS * 4, trainer)
    return dressed(core, dialect)


@lru_cache
def metaspace(dialect: Dialect, scheme: str = "first") -> Any:
    """Unigram with a space before the first word, as SentencePiece models have it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    core = Tokenizer(models.Unigram())
    core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    core.decoder = decoders.Metaspace(prepend_scheme=scheme)
    alphabet = sorted({character for words in WORDS for character in words} | set("[]<>/|:#"))
    trainer = trainers.UnigramTrainer(
        vocab_size=220,
        initial_alphabet=alphabet,
        special_tokens=["<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    core.train_from_iterator(WORDS * 4, trainer)
    return dressed(core, dialect)


@lru_cache
def word_piece() -> Any:
    """Word pieces in lower case with a frame around each text, as in BERT."""
    from ft_runtime.tiny.tokenizer import encoder_tokenizer

    return encoder_tokenizer(WORDS, 400)


def dressed(core: Any, dialect: Dialect) -> Any:
    """Give a core the control tokens and the template of a dialect."""
    from tokenizers import AddedToken
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=dialect.bos,
        eos_token=dialect.eos,
        pad_token="<|pad|>",
        chat_template=dialect.template,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.add_special_tokens(
        {
            "additional_special_tokens": [
                AddedToken(name, rstrip=name in dialect.swallows, normalized=False, special=True)
                for name in dialect.specials
            ]
        }
    )
    tokenizer.add_tokens([AddedToken(name, normalized=False) for name in dialect.plain_added])
    return tokenizer
