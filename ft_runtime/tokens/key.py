"""What a preparation depends on, as one digest: equal keys, equal tokens, ledger and findings."""

from __future__ import annotations

import hashlib
import json
import marshal
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime import messages
from ft_runtime.versions import installed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ft_runtime.data.rows import Row
    from ft_runtime.tokens.plan import Plan
    from ft_runtime.tokens.template import ChatRenderer

_BATCH = 512
# Version 2 writes equal values as equal bytes; later ones also write which objects are shared.
_MARSHAL = 2
# What is done with prepared rows has no part in them.
_AFTERWARDS = ("__init__", "collate", "packing", "preview", "single")
# What of other packages has: it says what a message says.
_ELSEWHERE = ("data/formats/chat.py",)


def key_of(plan: Plan, renderer: ChatRenderer | None) -> str | None:
    """Return the SHA-256 of all that decides the outcome of a preparation.

    That is: every row as it was read and where it stands in which split, the tokenizer whole, the
    template with the time it is told, the options in use, the language of what is told, our own
    code, and the versions of the libraries.

    Returns
    -------
    str or None
        None when equal input need not give equal tokens: a slow tokenizer (its vocabulary cannot be
        read whole), a template whose clock cannot be stopped, values that are no plain data.
    """
    config, rows, splits, tokenizer = plan.config, plan.rows, plan.splits, plan.tokenizer
    if not tokenizer.is_fast or (renderer is not None and renderer.fickle):
        return None
    digest = hashlib.sha256(_code())
    options = {
        "format": config.dataset.format,
        "task": config.task,
        "limit": plan.limit,
        "asked": int(config.hyperparams.max_seq_len),
        "max_lost_fraction": config.dataset.max_lost_fraction,
        "labels": list(rows.label_names),
        "template": renderer.options if renderer is not None else None,
        "language": messages.language(),
        "python": sys.version_info[:2],
        "libraries": installed(("tokenizers", "transformers", "jinja2")),
        "tokenizer": _dress(tokenizer),
        "total": len(rows.rows),
    }
    digest.update(json.dumps(options, sort_keys=True).encode())
    digest.update(tokenizer.backend_tokenizer.to_str().encode())
    try:
        for name, part in splits.by_name().items():
            digest.update(f"\n{name} {len(part)}\n".encode())
            _rows(digest, part)
        unused = [row for row in rows.rows if not row.usable]
        for row in unused:
            reason = [(item.code, item.message) for item in row.problems[:1]]
            where = (row.number, row.source, row.line, row.split)
            digest.update(marshal.dumps((where, reason), _MARSHAL))
    except ValueError:
        return None
    if sum(map(len, splits.by_name().values())) + len(unused) != len(rows.rows):
        return None  # usable rows in no split: seldom, and not worth a key of their own
    return digest.hexdigest()


def _rows(digest: Any, rows: Sequence[Row]) -> None:
    for first in range(0, len(rows), _BATCH):
        batch = [
            (row.number, row.source, row.line, row.fields) for row in rows[first : first + _BATCH]
        ]
        digest.update(marshal.dumps(batch, _MARSHAL))


def _dress(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """Return what a tokenizer has beside its core."""
    return {
        "class": f"{type(tokenizer).__module__}.{type(tokenizer).__qualname__}",
        "special": {name: str(token) for name, token in tokenizer.special_tokens_map.items()},
        "all": list(map(str, tokenizer.all_special_tokens)),
        "end": tokenizer.eos_token_id,
        "limit": str(tokenizer.model_max_length),
        "split_special": bool(getattr(tokenizer, "split_special_tokens", False)),
    }


@cache
def _code() -> bytes:
    """Return the digest of this package's code and words: another version prepares anew."""
    digest = hashlib.sha256()
    for path in _sources():
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.digest()


def _sources() -> list[Path]:
    """Return the files whose contents decide what comes of a preparation."""
    folder = Path(__file__).parent
    words = [
        messages.FOLDER / language / "tokens.json"
        for language in sorted({messages.DEFAULT, messages.language()})
    ]
    code = [path for path in sorted(folder.glob("*.py")) if path.stem not in _AFTERWARDS]
    return [*code, *(folder.parent / name for name in _ELSEWHERE), *words]
