"""What the small models read: a made-up language world, and the texts of the examples."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PEOPLE = ("Ana", "Ben", "Mira", "Tomas", "the teacher", "the baker", "our neighbour", "the nurse")
_THINGS = (
    "letter",
    "map",
    "bread",
    "lamp",
    "table",
    "bicycle",
    "garden",
    "window",
    "report",
    "song",
)
_KINDS = ("small", "old", "new", "quiet", "bright", "heavy", "green", "round", "useful", "simple")
_DOES = ("finds", "reads", "carries", "repairs", "likes", "shows", "counts", "buys", "writes about")
_WHEN = ("today", "in the morning", "after lunch", "every week", "before noon", "in summer")
_WHERE = ("at home", "in the city", "near the river", "on the hill", "at the market", "by the sea")
_ASKED = (
    "Who {does} the {kind} {thing}?",
    "What is the {kind} {thing} for?",
    "Can you tell me about the {kind} {thing}?",
    "How many {thing}s are there {where}?",
    "Is the {thing} {kind}?",
)
_SAID = (
    "{person} {does} the {kind} {thing} {when}.",
    "The {kind} {thing} is {where}.",
    "There are {number} {thing}s {where}, and one of them is {kind}.",
    "{when}, {person} {does} a {thing} {where}.",
    "If the {thing} is {kind}, {person} {does} it {when}.",
    "It was {kind}, but not as {kind2} as the {thing} {where}.",
)
_REPLIES = (
    "I am a small model and I do not know that yet.",
    "That is a good question. I have not learned the answer yet.",
    "I can read this, but nobody has taught me what to say.",
)


def sentence(rng: random.Random) -> str:
    """Return a made-up English sentence."""
    return _fill(rng.choice(_SAID), rng)


def conversation(rng: random.Random) -> list[dict[str, str]]:
    """Return a made-up question and a polite answer that says nothing, as base models give."""
    return [
        {"role": "user", "content": _fill(rng.choice(_ASKED), rng)},
        {"role": "assistant", "content": rng.choice(_REPLIES)},
    ]


def builtin_texts(count: int = 400) -> list[str]:
    """Return sentences, questions and answers of the made-up world; the same ones every time."""
    rng = random.Random("texts")
    texts = [sentence(rng) for _ in range(count)]
    return texts + [turn["content"] for _ in range(count // 4) for turn in conversation(rng)]


def example_texts() -> list[str]:
    """Return every text of ``examples/datasets`` beside this package, in the order of file names.

    Empty when the examples are not there, as in an installed wheel.
    """
    folder = Path(__file__).resolve().parents[2] / "examples" / "datasets"
    files = sorted(path for path in folder.glob("**/*") if path.suffix in _READERS)
    return [text for path in files for text in _READERS[path.suffix](path)]


def read_texts(path: str | Path) -> list[str]:
    """Return every text of a data file (.jsonl, .json, .csv) or every line of any other file."""
    reader = _READERS.get(Path(path).suffix, _lines)
    return list(reader(Path(path)))


def _fill(pattern: str, rng: random.Random) -> str:
    words = pattern.format(
        person=rng.choice(_PEOPLE),
        does=rng.choice(_DOES),
        kind=rng.choice(_KINDS),
        kind2=rng.choice(_KINDS),
        thing=rng.choice(_THINGS),
        when=rng.choice(_WHEN),
        where=rng.choice(_WHERE),
        number=rng.randint(2, 99),
    )
    return words[0].upper() + words[1:]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _jsonl(path: Path) -> Iterator[str]:
    for line in _lines(path):
        yield from _strings(json.loads(line))


def _json(path: Path) -> Iterator[str]:
    yield from _strings(json.loads(path.read_text(encoding="utf-8")))


def _csv(path: Path) -> Iterator[str]:
    with open(path, encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            yield from _strings(list(row.values()))


def _lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8-sig")
    return [line for line in text.split("\n") if line.strip()]


_READERS = {".jsonl": _jsonl, ".json": _json, ".csv": _csv}
