"""Tokenizers of the small local models: trained on a few kilobytes of text, the same every time."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

BOS, END, PAD, START = "<|bos|>", "<|end|>", "<|pad|>", "<|start|>"
MAX_LENGTH = 2048
"""Positions of both models, in tokens."""

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{{ '<|start|>' + message['role'] + '\\n' + message['content'] + '<|end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant\\n' }}{% endif %}"
)
"""Turns in the manner of ChatML: a role, a line break, the words, and a token that ends it."""


def causal_tokenizer(texts: Sequence[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer.

    Any text can be encoded and comes back unchanged: there is no unknown token. Digits are kept
    apart, so that numbers are read digit by digit. As in Llama, the tokenizer puts ``<|bos|>``
    before a plain text, and the chat template brings its own.

    Parameters
    ----------
    texts : sequence of str
        What to learn the merges from.
    vocabulary : int
        Largest number of tokens, special ones included.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    special = [PAD, BOS, END, START]
    core.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            min_frequency=2,
            special_tokens=special,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    core.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A",
        pair=f"{BOS} $A $B",
        special_tokens=[(BOS, core.token_to_id(BOS))],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=BOS,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=[START],
        chat_template=CHAT_TEMPLATE,
        model_max_length=MAX_LENGTH,
        clean_up_tokenization_spaces=False,
    )


def encoder_tokenizer(texts: Sequence[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Make a WordPiece tokenizer as BERT's: lower case, ``[CLS]`` before and ``[SEP]`` after.

    Its vocabulary is all characters of the texts and of ASCII, alone and as continuation, and then
    the most frequent words. (The trainer of the `tokenizers` library numbers continuations in the
    order of a hash map, which differs from one process to the next.)
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    normalizer = normalizers.BertNormalizer(lowercase=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    words = Counter(
        word
        for text in texts
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))
    )
    ascii_words = string.ascii_lowercase + string.digits + string.punctuation
    characters = sorted({character for word in [*words, ascii_words] for character in word})
    pieces = special + characters + [f"##{character}" for character in characters]
    frequent = sorted(words, key=lambda word: (-words[word], word))
    pieces += [word for word in frequent if len(word) > 1]
    tokens = {piece: number for number, piece in enumerate(dict.fromkeys(pieces[:vocabulary]))}
    core = Tokenizer(models.WordPiece(tokens, unk_token="[UNK]"))
    core.normalizer = normalizer
    core.pre_tokenizer = splitter
    core.decoder = decoders.WordPiece(prefix="##")
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", tokens["[CLS]"]), ("[SEP]", tokens["[SEP]"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        pad_token="[PAD]",
        model_max_length=MAX_LENGTH,
        clean_up_tokenization_spaces=False,
    )
