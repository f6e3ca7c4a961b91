import numpy as np
import pytest

from ft_runtime.evaluation.bootstrap import Statistic
from ft_runtime.evaluation.metrics.mean import as_sums, mean
from ft_runtime.evaluation.metrics.perplexity import perplexity
from ft_runtime.evaluation.verdict import metric_row, number, signed


def row(base, tuned, higher=True, seed=1):
    return metric_row(Statistic("m", higher, "s", as_sums(base), as_sums(tuned), mean), 300, seed)


def test_equal_models_show_no_detectable_difference():
    scores = np.random.default_rng(0).random(50)
    found = row(scores, scores)
    assert found.verdict == "no detectable difference"
    assert found.difference == 0
    assert found.interval == (0.0, 0.0)
    assert "no detectable difference" in found.sentence


@pytest.mark.parametrize(
    ("shift", "higher", "verdict"),
    [(0.5, True, "better"), (-0.5, True, "worse"), (-0.5, False, "better"), (0.5, False, "worse")],
)
def test_direction_of_improvement(shift, higher, verdict):
    scores = np.random.default_rng(0).random(50)
    found = row(scores, scores + shift, higher)
    assert found.verdict == verdict
    assert found.sentence.endswith(f": {verdict}.")


def test_noise_around_nothing_is_no_detectable_difference():
    generator = np.random.default_rng(3)
    base = generator.random(50)
    assert row(base, base + generator.normal(scale=0.2, size=50)).verdict == (
        "no detectable difference"
    )


def test_one_row_has_no_interval_and_says_so():
    found = row([0.1], [0.9])
    assert found.interval is None
    assert found.verdict == "too few rows to tell"
    assert "no interval" in found.sentence


@pytest.mark.parametrize(("n", "verdict"), [(5, "too few rows to tell"), (6, "better")])
def test_five_agreeing_rows_prove_nothing_six_do(n, verdict):
    found = row([0.0] * n, [1.0] * n)
    assert found.interval == (1.0, 1.0)
    assert found.verdict == verdict


def test_no_rows_at_all():
    found = row([], [])
    assert (found.base, found.tuned, found.n, found.verdict) == (None, None, 0, "not defined")


def test_an_infinite_value_becomes_null_and_is_not_compared():
    found = metric_row(perplexity(np.full(9, 1e6), np.full(9, 1.0), np.ones(9)), 100, 1)
    assert found.base is None
    assert found.tuned == pytest.approx(np.e)
    assert found.difference is None
    assert found.verdict == "not defined"


def test_plain_data_has_every_field():
    assert row([0.0] * 8, [1.0] * 8).to_dict() == {
        "name": "m",
        "base": 0.0,
        "tuned": 1.0,
        "difference": 1.0,
        "interval": [1.0, 1.0],
        "n": 8,
        "higher_is_better": True,
        "signature": "s",
        "verdict": "better",
        "baseline": None,
    }


def test_numbers_for_people():
    assert [number(0.123456), number(None), signed(0.5), signed(-1234.5), signed(0.0)] == [
        "0.1235",
        "–",
        "+0.5",
        "-1.23e+03",
        "0",
    ]
