import math

import numpy as np
import pytest
import sacrebleu
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from ft_runtime.evaluation.metrics import bleu as bleu_room
from ft_runtime.evaluation.metrics.bleu import bleu
from ft_runtime.evaluation.metrics.classification import accuracy, macro_f1
from ft_runtime.evaluation.metrics.exact import exact_match, normalise
from ft_runtime.evaluation.metrics.perplexity import perplexity
from ft_runtime.evaluation.metrics.rouge import UnicodeTokenizer, rouge

REFERENCES = [
    "The cat sat on the mat near the door.",
    "A quick brown fox jumps over the lazy dog.",
    "She sells sea shells by the sea shore today.",
]
BASE = ["The cat is here.", "fox fox fox", ""]
TUNED = [
    "The cat sat on the mat.",
    "A quick brown fox jumps over a dog.",
    "She sells shells by the sea shore.",
]


# --- BLEU -------------------------------------------------------------------------------------
def test_bleu_equals_the_corpus_score_of_sacrebleu():
    found = bleu(REFERENCES, BASE, TUNED)
    expected = [sacrebleu.corpus_bleu(answers, [REFERENCES]).score for answers in (BASE, TUNED)]
    assert found.values() == pytest.approx(tuple(expected), abs=1e-9)


def test_bleu_of_a_resample_equals_the_corpus_score_of_the_drawn_rows():
    found = bleu(REFERENCES, BASE, TUNED)
    drawn = [0, 0, 2]
    value = found.aggregate(found.tuned[drawn].sum(axis=0))
    expected = sacrebleu.corpus_bleu([TUNED[i] for i in drawn], [[REFERENCES[i] for i in drawn]])
    assert float(value) == pytest.approx(expected.score, abs=1e-9)


def test_bleu_signature_is_that_of_sacrebleu():
    metric = sacrebleu.BLEU()
    metric.corpus_score(TUNED, [REFERENCES])
    assert bleu(REFERENCES, BASE, TUNED).signature == f"sacrebleu|{metric.get_signature()}"
    assert f"version:{sacrebleu.__version__}" in bleu(REFERENCES, BASE, TUNED).signature


def test_bleu_reads_chinese_by_character():
    references = ["今天天气很好我们去公园散步"] * 2
    found = bleu(references, ["明天下雨"] * 2, ["今天天气很好我们去散步"] * 2)
    assert found.values()[1] > 50
    assert "tok:zh" in found.signature
    assert bleu_room.choose_tokenizer(REFERENCES) == "13a"


texts = st.text(max_size=40)


@settings(max_examples=60)
@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=6))
def test_bleu_equals_sacrebleu_on_any_text(triples):
    references, base, tuned = (list(column) for column in zip(*triples, strict=True))
    found = bleu(references, base, tuned)
    tokenizer = bleu_room.choose_tokenizer(references)
    expected = tuple(
        sacrebleu.corpus_bleu(answers, [references], tokenize=tokenizer).score
        for answers in (base, tuned)
    )
    assert found.values() == pytest.approx(expected, abs=1e-9)


# --- ROUGE ------------------------------------------------------------------------------------
def test_rouge_equals_rouge_score_on_ascii():
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    for metric in rouge(REFERENCES, BASE, TUNED):
        expected = tuple(
            np.mean(
                [
                    scorer.score(r, a)[metric.name].fmeasure
                    for r, a in zip(REFERENCES, answers, strict=True)
                ]
            )
            for answers in (BASE, TUNED)
        )
        assert metric.values() == pytest.approx(expected, abs=1e-12)


def test_rouge_does_not_split_words_at_diacritics():
    # 4 of 5 words agree: F1 = 0.8. The ASCII tokenizer of rouge_score makes 0.857 of it.
    one = rouge(["čaša žličnik šiška čoln jež"], [""], ["čaša žličnik šiška čoln žaba"])
    assert {m.name: m for m in one}["rouge1"].values() == pytest.approx((0.0, 0.8))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Žaba, šel-v 2 hiši!", ["žaba", "šel", "v", "2", "hiši"]),
        ("cafe\u0301 noir", ["cafe\u0301", "noir"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("我爱ML模型", ["我", "爱", "ml", "模", "型"]),
        ("カナとかな", list("カナとかな")),
        ("Ελληνικά", ["ελληνικά"]),
        ("", []),
        ("🙂 ...", []),
    ],
)
def test_words_of_any_script(text, words):
    assert UnicodeTokenizer().tokenize(text) == words


def test_rouge_signature_names_the_tokenizer_and_the_version():
    from importlib.metadata import version

    signature = rouge(["a"], ["a"], ["a"])[0].signature
    assert "unicode words" in signature
    assert version("rouge_score") in signature


# --- exact match ------------------------------------------------------------------------------
def test_exact_match_after_the_stated_normalisation():
    found = exact_match(
        ["fi le", "A b", "x", "Yes"], ["ﬁ le", "A  \n b ", "y", "yes"], ["fi le", "A b", "x", "Yes"]
    )
    assert found.values() == (0.5, 1.0)
    assert "NFKC" in found.signature


@given(st.text())
def test_normalise_is_idempotent_and_leaves_no_outer_space(text):
    once = normalise(text)
    assert normalise(once) == once
    assert once == once.strip()


# --- perplexity -------------------------------------------------------------------------------
def test_perplexity_weights_tokens_and_leaves_rows_without_any_out():
    nll = np.array([4.0, 3.0, 0.0])
    found = perplexity(nll, nll / 2, np.array([2.0, 10.0, 0.0]))
    assert found.n == 2
    assert found.values() == pytest.approx((math.exp(7 / 12), math.exp(3.5 / 12)))
    assert not found.higher_is_better


def test_perplexity_that_overflows_is_infinite_and_does_not_warn():
    found = perplexity(np.array([1e6, 1e6]), np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    assert math.isinf(found.values()[0])


# --- classification ---------------------------------------------------------------------------
labels = st.integers(0, 4)


@given(st.lists(st.tuples(labels, labels, labels), min_size=1, max_size=40), labels)
def test_classification_equals_scikit_learn(triples, majority):
    references, base, tuned = (list(column) for column in zip(*triples, strict=True))
    present = sorted(set(references))
    f1 = macro_f1(references, base, tuned, majority, labels=5)
    hits = accuracy(references, base, tuned, majority)
    for index, answers in enumerate((base, tuned)):
        expected = sklearn.metrics.f1_score(
            references, answers, labels=present, average="macro", zero_division=0
        )
        assert f1.values()[index] == pytest.approx(expected, abs=1e-12)
        assert hits.values()[index] == pytest.approx(
            sklearn.metrics.accuracy_score(references, answers)
        )
    constant = [majority] * len(references)
    assert hits.baseline == pytest.approx(sklearn.metrics.accuracy_score(references, constant))
    assert 0 <= f1.baseline <= 1


def test_classification_signatures_state_zero_division():
    found = macro_f1([0, 1], [0, 0], [0, 1], 0, labels=2)
    assert "zero_division:0" in found.signature
    assert sklearn.__version__ in found.signature
