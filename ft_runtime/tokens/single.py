"""One row as the model sees it, without a run: ``python -m ft_runtime.tokens.single``.

The server extension starts this as a process of its own, so that no tokenizer library is ever
loaded into the server. It reads a request from standard input, and writes one line of JSON.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import Finding, FindingsError, finding, subscribed

if TYPE_CHECKING:
    from ft_runtime.config import Config
    from ft_runtime.data.rows import Row


def render_row(config: Config, row: Row) -> dict[str, Any]:
    """Render one usable row with the model's tokenizer.

    Parameters
    ----------
    config : Config
    row : Row
        Usable, of the format that the config names.

    Returns
    -------
    dict
        ``segments``: pieces of the text with ``supervised``, whether the loss looks at them;
        ``tokens``, ``supervised_tokens``; ``template``: ``model`` or ``plain``; ``label`` for
        classification; ``findings``.

    Raises
    ------
    FindingsError
        When there is no such model, or the row cannot be rendered with it.
    """
    from ft_runtime.models import load_tokenizer
    from ft_runtime.tokens.answers import AnswerRows
    from ft_runtime.tokens.classes import ClassRows
    from ft_runtime.tokens.notes import Notes
    from ft_runtime.tokens.plan import token_limit
    from ft_runtime.tokens.prepared import IGNORED
    from ft_runtime.tokens.preview import segments_of

    found: list[Finding] = []
    with subscribed(found.append), contextlib.redirect_stderr(io.StringIO()):
        tokenizer = load_tokenizer(config)
    notes = Notes()
    limit, _ = token_limit(config, tokenizer)
    label = str((row.fields or {}).get("label", ""))
    work: AnswerRows | ClassRows
    if config.task == "classification":
        work = ClassRows(tokenizer, limit, [label], notes)
    else:
        moment = datetime.now(timezone.utc)
        work = AnswerRows(config.dataset.format, tokenizer, limit, moment, notes)
    ((_, outcome),) = work.outcomes([row])
    if not outcome.used:
        notes.add(outcome.cut.code, row, outcome.detail)
    found += notes.findings(limit=limit)
    ids = list(outcome.cut.ids)
    learned = [mark != IGNORED for mark in outcome.cut.labels] or [False] * len(ids)
    plain = any(item.code == "models.no_chat_template" for item in found)
    return {
        "segments": [
            {"text": piece, "supervised": flag}
            for piece, flag in segments_of(tokenizer, ids, learned)
        ],
        "tokens": len(ids),
        "supervised_tokens": sum(learned),
        "template": "plain" if plain or config.dataset.format == "jsonl_prompt" else "model",
        "label": label if config.task == "classification" else None,
        "findings": [item.to_dict() for item in found],
    }


def main() -> int:
    """Answer one request: ``{"config": ..., "fields": ...}``."""
    request = json.load(sys.stdin)
    answer: dict[str, Any]
    try:
        if importlib.util.find_spec("transformers") is None:
            raise ImportError(name="transformers")
        from ft_runtime.config import load_config
        from ft_runtime.data.rows import Row

        with contextlib.redirect_stderr(io.StringIO()):
            config = load_config(request["config"])
        row = Row(1, request["source"], request["line"], None, request["fields"])
        answer = render_row(config, row)
    except FindingsError as error:
        answer = {"findings": [item.to_dict() for item in error.findings]}
    except ImportError as error:
        library = (error.name or str(error)).split(".")[0]
        values = {"python": sys.executable, "library": library}
        answer = {"findings": [finding("server.no_transformers", **values).to_dict()]}
    # Whatever the libraries print goes before; the answer is the last line.
    print("\n" + json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
