"""Scripts by the names of the characters, and a coarse guess at languages."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

# Words that a language cannot do without and that the others of its script do not have.
_WORDS = {
    "English": "the and of is that with for this you are",
    "German": "und der die das nicht ist ein eine mit auch",
    "French": "les est une dans pour que vous avec sur pas",
    "Spanish": "los las una por con para como más está pero",
    "Italian": "che non per sono della una gli anche più come",
    "Portuguese": "não uma para com mais você dos são como isso",
    "Dutch": "het een van niet dat voor zijn met ook maar",
    "Polish": "nie się jest że jak tak ale czy są przez",
    "Turkish": "bir ve bu için ile çok daha gibi ne değil",
    "Russian": "и не что это на как по для но из",
    "Ukrainian": "і не що це на як та для але є",
}
_BY_SCRIPT = {
    "Hiragana": "Japanese",
    "Katakana": "Japanese",
    "Hangul": "Korean",
    "Thai": "Thai",
    "Greek": "Greek",
    "Hebrew": "Hebrew",
    "Arabic": "Arabic",
    "Devanagari": "Hindi",
    "Bengali": "Bengali",
    "Tamil": "Tamil",
    "Georgian": "Georgian",
    "Armenian": "Armenian",
}
_WORD = re.compile(r"[^\W\d_]+")
_LEAST = 0.02
_NAMES = {"cjk": "Han", "ideographic": "Han", "masculine": "Latin", "feminine": "Latin"}


def scripts(texts: Iterable[str]) -> dict[str, float]:
    """Return the share of letters of each script, the commonest first.

    A script is told by the first word of the Unicode names of its letters (``CYRILLIC SMALL
    LETTER A``), which is right for all scripts in wide use.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        for char, count in Counter(text).items():
            if name := _script(char):
                counts[name] += count
    total = sum(counts.values())
    return {name: count / total for name, count in counts.most_common()} if total else {}


def languages(texts: Iterable[str]) -> dict[str, float]:
    """Return the share of texts that seem to be in each language; coarse, short texts are left out.

    Returns
    -------
    dict of str to float
        Of the texts that could be told; the commonest first, and none below 2 %.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        if name := _language(text[:2000]):
            counts[name] += 1
    total = sum(counts.values())
    return {name: count / total for name, count in counts.most_common() if count >= _LEAST * total}


@cache
def _words() -> dict[str, tuple[str, ...]]:
    owners: dict[str, tuple[str, ...]] = {}
    for name, words in _WORDS.items():
        for word in words.split():
            owners[word] = (*owners.get(word, ()), name)
    return owners


def _language(text: str) -> str | None:
    found = scripts([text])
    if not found:
        return None
    own = next((_BY_SCRIPT[name] for name in found if name in _BY_SCRIPT and found[name] > 0.1), "")
    if own:
        return own
    if found.get("Han", 0) > 0.3:
        return "Chinese"
    words = _WORD.findall(text.lower())
    votes: Counter[str] = Counter()
    for word in words:
        votes.update(_words().get(word, ()))
    first = votes.most_common(2)
    if not first or first[0][1] < max(2, 0.04 * len(words)):
        return None
    if len(first) > 1 and first[1][1] == first[0][1]:
        return None
    return first[0][0]


@cache
def _script(char: str) -> str:
    """Return the script of a letter; empty for anything else."""
    if char.isascii():
        return "Latin" if char.isalpha() else ""
    if unicodedata.category(char)[0] not in "LM":
        return ""
    first = unicodedata.name(char, "").partition(" ")[0].partition("-")[0].lower()
    if first in ("combining", "variation", "modifier", "fullwidth", "halfwidth", "mathematical"):
        return ""
    return _NAMES.get(first, first.capitalize())
