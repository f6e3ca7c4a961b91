"""Made-up rows of every data format: for a first look, for tests and for the smoke test.

Every row is drawn from one small world in which a thing has a place (cups are in the kitchen, hats
in the hall). The answer copies the words of the question and adds the place, so that even a toy
model sees its loss fall within a few steps.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ft_runtime.files import write_text_atomic
from ft_runtime.findings import FindingsError, finding

__all__ = ["FORMATS", "sample_rows", "write_sample"]

_PLACES = {
    "cup": "kitchen",
    "plate": "kitchen",
    "spoon": "kitchen",
    "hat": "hall",
    "coat": "hall",
    "umbrella": "hall",
    "rake": "garden",
    "bucket": "garden",
    "ladder": "garden",
    "pen": "office",
    "stamp": "office",
    "folder": "office",
}
_COLOURS = ("red", "blue", "green", "yellow", "black", "white", "brown", "grey", "pink", "orange")
_QUESTIONS = (
    "Where is the {thing}?",
    "Where do I find the {thing}?",
    "In which room is the {thing}?",
    "Please tell me where the {thing} is.",
)
_OPINIONS = {
    "positive": (
        "I love the {thing}, it is a joy to use.",
        "The {thing} is excellent, thank you.",
        "Very happy with the {thing}.",
        "A wonderful {thing}, well made and cheap.",
    ),
    "negative": (
        "The {thing} broke on the first day.",
        "I hate the {thing}, it is a waste of money.",
        "Very disappointed with the {thing}.",
        "A terrible {thing}, badly made and dear.",
    ),
    "neutral": (
        "The {thing} is sold in a box of two.",
        "The {thing} came on Monday, as planned.",
        "I ordered the {thing} last week.",
        "The {thing} weighs two hundred grams.",
    ),
}
_SYSTEM = "You know where everything in the house is kept. Answer in one sentence."


def sample_rows(format: str, n: int = 50, seed: int = 0) -> list[dict[str, Any]]:
    """Make `n` rows of a data format, the same ones for the same arguments on every machine.

    Parameters
    ----------
    format : {"jsonl_chat", "jsonl_instr", "jsonl_prompt", "csv_classification"}
        The data format, as in ``dataset.format``.
    n : int
        Number of rows, at least 1. No two rows are equal, however many.
    seed : int
        Chooses the rows and their order.

    Returns
    -------
    list of dict
        Rows with the canonical columns of the format. Chat rows have some system turns and some
        follow-up questions; classification has the labels ``negative``, ``neutral`` and
        ``positive`` in equal numbers (within one), mixed.

    Raises
    ------
    FindingsError
        When the format is unknown or `n` is not a positive whole number.
    """
    maker = _MAKERS.get(format)
    found = []
    if maker is None:
        found.append(finding("samples.unknown_format", got=format, known=", ".join(FORMATS)))
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        found.append(finding("samples.bad_count", got=n))
    if found or maker is None:
        raise FindingsError(found)
    # A text seed is hashed with SHA-512, so formats and seeds never share a stream.
    return maker(n, random.Random(f"{format}:{seed}"))


def write_sample(format: str, path: str | Path, n: int = 50, seed: int = 0) -> Path:
    """Write `sample_rows` to a file: JSON Lines, or CSV for ``csv_classification``.

    Parameters
    ----------
    format, n, seed
        As for `sample_rows`.
    path : str or Path
        The file; its folder is created when missing, an existing file is replaced whole.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FindingsError
        As `sample_rows`.
    OSError
        When the file cannot be written.
    """
    rows = sample_rows(format, n, seed)
    if format == "csv_classification":
        stream = io.StringIO(newline="")
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return write_text_atomic(path, stream.getvalue())
    return write_text_atomic(
        path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    )


def _chat(n: int, rng: random.Random) -> list[dict[str, Any]]:
    asked = _asked(2 * n, rng)
    rows = []
    for index in range(n):
        messages = [{"role": "system", "content": _SYSTEM}] if index % 3 == 0 else []
        # Every other row has a follow-up, so that system turn and length are independent.
        for question, answer in asked[2 * index : 2 * index + 1 + index % 2]:
            messages.append({"role": "user", "content": question})
            messages.append({"role": "assistant", "content": answer})
        rows.append({"messages": messages})
    return rows


def _instructions(n: int, rng: random.Random) -> list[dict[str, Any]]:
    rows = []
    for index, (question, answer) in enumerate(_asked(n, rng)):
        # Half the rows carry the question as input, half are a bare instruction: both are common.
        if index % 2:
            rows.append({"instruction": question, "input": "", "output": answer})
        else:
            rows.append(
                {"instruction": "Answer the question.", "input": question, "output": answer}
            )
    return rows


def _prompts(n: int, rng: random.Random) -> list[dict[str, Any]]:
    return [
        {"prompt": f"Question: {question} Answer:", "completion": f" {answer}"}
        for question, answer in _asked(n, rng)
    ]


def _opinions(n: int, rng: random.Random) -> list[dict[str, Any]]:
    share = -(-n // len(_OPINIONS))
    by_label = {
        label: _fill(templates, share, rng) for label, templates in sorted(_OPINIONS.items())
    }
    labels = itertools.islice(itertools.cycle(by_label), n)
    # Labels take turns, so that any stretch of the file, and any split of it, holds all of them.
    return [
        {"text": by_label[label][index // len(by_label)][0], "label": label}
        for index, label in enumerate(labels)
    ]


def _asked(n: int, rng: random.Random) -> list[tuple[str, str]]:
    """Return `n` distinct pairs of question and answer."""
    return [
        (question, f"The {thing} is in the {place}.")
        for question, thing, place in _fill(_QUESTIONS, n, rng)
    ]


def _fill(templates: tuple[str, ...], n: int, rng: random.Random) -> list[tuple[str, str, str]]:
    """Return `n` distinct (sentence, thing, place) in random order.

    Once the 10 colours x 12 things x templates are used up, things are numbered ("red cup 2").
    """
    pool = list(itertools.product(templates, _COLOURS, _PLACES))
    filled = []
    for turn in range(-(-n // len(pool))):
        rng.shuffle(pool)
        for template, colour, noun in pool:
            thing = f"{colour} {noun}" + (f" {turn + 1}" if turn else "")
            filled.append((template.format(thing=thing), thing, _PLACES[noun]))
    return filled[:n]


_MAKERS: dict[str, Callable[[int, random.Random], list[dict[str, Any]]]] = {
    "jsonl_chat": _chat,
    "jsonl_instr": _instructions,
    "jsonl_prompt": _prompts,
    "csv_classification": _opinions,
}
FORMATS = tuple(_MAKERS)
