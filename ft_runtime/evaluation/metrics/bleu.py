"""BLEU of the whole corpus by `sacrebleu`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ft_runtime.evaluation.bootstrap import Statistic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ORDER = 4


def bleu(references: Sequence[str], base: Sequence[str], tuned: Sequence[str]) -> Statistic:
    """Corpus BLEU, 0 to 100, with the signature of sacrebleu.

    The statistics of a row are its lengths and n-gram counts, read from sacrebleu's sentence
    scores; their sums give the same corpus score as ``BLEU().corpus_score``.

    Parameters
    ----------
    references, base, tuned : sequence of str, length n
        The wanted answers and those of the two models.

    References
    ----------
    Post, A Call for Clarity in Reporting BLEU Scores, WMT 2018.
    """
    from sacrebleu.metrics.bleu import BLEU

    tokenizer = choose_tokenizer(references)
    # effective_order only changes the score of a single sentence, which is not used, not its counts
    counter = BLEU(tokenize=tokenizer, effective_order=True)
    return Statistic(
        name="bleu",
        higher_is_better=True,
        signature=_signature(BLEU(tokenize=tokenizer), references, base),
        base=_counts(counter, references, base),
        tuned=_counts(counter, references, tuned),
        aggregate=_corpus_bleu,
    )


def choose_tokenizer(references: Sequence[str]) -> str:
    """Return ``zh`` when most letters of the references are Han or kana, else ``13a``.

    The default ``13a`` splits at blanks; a Chinese sentence would be one word and BLEU always 0.
    Both tokenizers are part of sacrebleu and need no download.
    """
    import regex

    text = "".join(references)
    unspaced = len(regex.findall(r"[\p{Han}\p{Hiragana}\p{Katakana}]", text))
    letters = len(regex.findall(r"\p{L}", text))
    return "zh" if 2 * unspaced > letters else "13a"


def _counts(scorer: Any, references: Sequence[str], answers: Sequence[str]) -> NDArray[np.float64]:
    """Return both lengths, 4 matches and 4 totals of each row, shape (n, 10)."""
    import numpy as np

    rows = []
    for reference, answer in zip(references, answers, strict=True):
        score = scorer.sentence_score(answer, [reference])
        rows.append([score.sys_len, score.ref_len, *score.counts, *score.totals])
    return np.asarray(rows, dtype=np.float64).reshape(-1, 2 + 2 * _ORDER)


def _corpus_bleu(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """BLEU of summed counts, shape (..., 10) -> (...)."""
    import numpy as np
    from sacrebleu.metrics.bleu import BLEU

    flat = np.rint(sums).astype(np.int64).reshape(-1, sums.shape[-1])
    scores = [
        BLEU.compute_bleu(
            correct=row[2 : 2 + _ORDER],
            total=row[2 + _ORDER :],
            sys_len=row[0],
            ref_len=row[1],
            smooth_method="exp",
        ).score
        for row in flat.tolist()
    ]
    return np.asarray(scores, dtype=np.float64).reshape(sums.shape[:-1])


def _signature(scorer: Any, references: Sequence[str], answers: Sequence[str]) -> str:
    """Return sacrebleu's own signature, which it knows only after a corpus score."""
    scorer.corpus_score(list(answers[:1]), [list(references[:1])])
    return f"sacrebleu|{scorer.get_signature()}"
