"""Loading the tokenizer, with the pad token and the chat template settled."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ft_runtime.compat import quiet_libraries
from ft_runtime.findings import FindingsError, finding, notify
from ft_runtime.garbage import at_rest
from ft_runtime.imports import import_models
from ft_runtime.models.architecture import check_task, read_model_config
from ft_runtime.models.errors import told
from ft_runtime.models.source import find_model

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ft_runtime.config import Config

PAD = "<|pad|>"
CHAT_FORMATS = ("jsonl_chat", "jsonl_instr")
"""Formats that are rendered through the chat template."""

# Special tokens that pretraining set aside: those made for padding first, then the unused ones.
_PADDING = re.compile(r"^\W*(\w+[_-])*pad(ding)?([_-]\w+)*\W*$", re.IGNORECASE)
_SPARE = re.compile(r"reserved|unused|placeholder|dummy", re.IGNORECASE)


def load_tokenizer(config: Config) -> PreTrainedTokenizerBase:
    """Load the model's tokenizer, with a pad token of its own and, for chats, a chat template.

    Parameters
    ----------
    config : Config

    Returns
    -------
    PreTrainedTokenizerBase
        A fast tokenizer that pads on the right.

    Raises
    ------
    FindingsError
        When there is no model, no tokenizer, or only one without a fast version.

    Notes
    -----
    The pad token must not be the end token: whoever masks padding by id would hide every end from
    the loss, and the model would never learn to stop. Taken is the first of: the pad token that is
    there; a special token made for padding; a reserved one that nothing uses; the unknown token; a
    new token, when the model's embedding has a row to spare. When nothing is left, the end token it
    is, with an info finding: labels are masked by position, so even then nothing is hidden.
    """
    source = find_model(config)
    import_models()
    described = read_model_config(source)
    # Here already: later checks would blame the tokenizer of an encoder that is given for text.
    check_task(described, config.task, source.name)
    with told(source.name, "tokenizer"), quiet_libraries():
        from transformers import AutoTokenizer

        with at_rest():  # the parts of a vocabulary are many
            tokenizer = AutoTokenizer.from_pretrained(source.name, **source.kwargs)
    if not tokenizer.is_fast:
        problem = finding("models.slow_tokenizer", where="model_id", got=type(tokenizer).__name__)
        raise FindingsError([problem])
    settle_pad_token(tokenizer, described.vocabulary)
    settle_chat_template(tokenizer, config)
    tokenizer.padding_side = "right"
    return tokenizer


def settle_pad_token(tokenizer: PreTrainedTokenizerBase, rows: int | None) -> None:
    """Give the tokenizer a pad token that is not its end token, where that is possible.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        Changed in place.
    rows : int or None
        Rows of the model's embedding; None when its config does not tell.
    """
    if tokenizer.pad_token is not None and tokenizer.pad_token_id != tokenizer.eos_token_id:
        return
    token = _spare_token(tokenizer)
    if token is not None:
        tokenizer.pad_token = token
    elif rows is not None and len(tokenizer) < rows:
        tokenizer.add_special_tokens({"pad_token": PAD})
    elif tokenizer.eos_token is not None:
        tokenizer.pad_token = tokenizer.eos_token
        notify(finding("models.pad_is_end", where="model_id", token=tokenizer.eos_token))
        return
    else:
        raise FindingsError([finding("models.no_end_token", where="model_id")])
    chosen = {"token": tokenizer.pad_token, "id": tokenizer.pad_token_id}
    notify(finding("models.pad_chosen", where="model_id", **chosen))


def settle_chat_template(tokenizer: PreTrainedTokenizerBase, config: Config) -> None:
    """Give a tokenizer without a chat template the plain one, when the data needs one."""
    if config.dataset.format not in CHAT_FORMATS or tokenizer.chat_template:
        return
    from ft_runtime.tokens.template import PLAIN_CHAT_TEMPLATE

    tokenizer.chat_template = PLAIN_CHAT_TEMPLATE
    notify(finding("models.no_chat_template", where="model_id", format=config.dataset.format))


def _spare_token(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Return a special token of the vocabulary that may serve as padding."""
    taken = {tokenizer.eos_token, tokenizer.bos_token}
    template = _template_text(tokenizer.chat_template)
    free = [
        token.content
        for _, token in sorted(tokenizer.added_tokens_decoder.items())
        if token.special and token.content not in taken and token.content not in template
    ]
    for pattern in (_PADDING, _SPARE):
        for content in free:
            if pattern.search(content):
                return content
    unknown = tokenizer.unk_token
    return unknown if unknown is not None and unknown not in taken else None


def _template_text(template: Any) -> str:
    """Return the text of a chat template; some tokenizers have several, by name."""
    if isinstance(template, dict):
        return "\n".join(template.values())
    return template or ""
