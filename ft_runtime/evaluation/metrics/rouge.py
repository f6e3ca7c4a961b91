"""ROUGE F1 by `rouge_score`, with words found in any script.

The tokenizer inside `rouge_score` keeps only ``[a-z0-9]``: a word with a diacritic falls apart and
an answer in Greek is empty. Ours takes runs of letters, marks and digits as words and, in scripts
that are written without blanks, each character with its marks.
"""

from __future__ import annotations

from collections.abc import Sequence

from ft_runtime.evaluation.bootstrap import Statistic
from ft_runtime.evaluation.metrics.mean import as_sums, mean

TYPES = ("rouge1", "rouge2", "rougeL")
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = rf"[{_UNSPACED}]\p{{M}}*|(?:(?![{_UNSPACED}])[\w\p{{M}}])+"


class UnicodeTokenizer:
    """Lower-cased words of any script, in the form `rouge_score` expects of a tokenizer."""

    def __init__(self) -> None:
        import regex

        self._pattern = regex.compile(_WORD)

    def tokenize(self, text: str) -> list[str]:
        """Return the words of `text`."""
        return self._pattern.findall(text.lower())


def rouge(references: Sequence[str], base: Sequence[str], tuned: Sequence[str]) -> list[Statistic]:
    """ROUGE-1, ROUGE-2 and ROUGE-L F1, 0 to 1, each the mean over rows.

    Parameters
    ----------
    references, base, tuned : sequence of str, length n
        The wanted answers and those of the two models.

    References
    ----------
    Lin, ROUGE: A Package for Automatic Evaluation of Summaries, 2004.
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(TYPES), use_stemmer=False, tokenizer=UnicodeTokenizer())

    def score(answers: Sequence[str]) -> list[dict[str, float]]:
        pairs = zip(references, answers, strict=True)
        return [{k: v.fmeasure for k, v in scorer.score(r, a).items()} for r, a in pairs]

    of_base, of_tuned = score(base), score(tuned)
    return [
        Statistic(
            name=kind,
            higher_is_better=True,
            signature=_signature(),
            base=as_sums([row[kind] for row in of_base]),
            tuned=as_sums([row[kind] for row in of_tuned]),
            aggregate=mean,
        )
        for kind in TYPES
    ]


def _signature() -> str:
    from importlib.metadata import version

    return (
        "rouge_score|measure:F1|case:lower|stemmer:no|"
        "tokenizer:unicode words, unspaced scripts by character|"
        f"aggregate:mean of rows|version:{version('rouge_score')}"
    )
