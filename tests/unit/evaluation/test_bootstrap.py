import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ft_runtime.evaluation.bootstrap import Statistic, paired_interval
from ft_runtime.evaluation.metrics.mean import as_sums, mean


def statistic(base, tuned, aggregate=mean, higher=True):
    return Statistic("m", higher, "s", as_sums(base), as_sums(tuned), aggregate)


def test_interval_agrees_with_a_plain_loop_over_the_same_draws():
    generator = np.random.default_rng(1)
    base, tuned = generator.random(17), generator.random(17)
    low, high = paired_interval(statistic(base, tuned), samples=400, seed=9)

    draws = np.random.default_rng(9).integers(0, 17, size=(400, 17))
    differences = [np.mean(tuned[d]) - np.mean(base[d]) for d in draws]
    expected = np.percentile(differences, [2.5, 97.5])
    assert (low, high) == pytest.approx(tuple(expected), abs=1e-12)


def test_the_size_of_the_blocks_does_not_change_the_interval(monkeypatch):
    generator = np.random.default_rng(2)
    one = statistic(generator.random(50), generator.random(50))
    whole = paired_interval(one, samples=300, seed=3)
    monkeypatch.setattr("ft_runtime.evaluation.bootstrap._BLOCK", 50 * 7)
    assert paired_interval(one, samples=300, seed=3) == pytest.approx(whole, abs=1e-12)


def test_same_seed_same_interval_and_another_seed_another():
    generator = np.random.default_rng(4)
    one = statistic(generator.random(30), generator.random(30))
    assert paired_interval(one, 200, 5) == paired_interval(one, 200, 5)
    assert paired_interval(one, 200, 5) != paired_interval(one, 200, 6)


def test_equal_models_have_an_interval_of_exactly_zero():
    scores = np.random.default_rng(0).random(40)
    assert paired_interval(statistic(scores, scores), 500, 1) == (0.0, 0.0)


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_rows_give_no_interval(n):
    assert paired_interval(statistic([0.5] * n, [0.7] * n), 100, 1) is None


def test_a_value_that_is_not_finite_gives_no_interval():
    assert paired_interval(statistic([1.0, 2.0], [np.inf, 1.0]), 100, 1) is None


def test_coverage_is_close_to_the_level_on_normal_differences():
    # 300 synthetic experiments with a known mean difference of 0.2; 95 % nominal. The standard error
    # of the count is 1.3 %, the percentile interval at n = 60 is known to cover a little less.
    generator = np.random.default_rng(11)
    covered = 0
    for experiment in range(300):
        base = generator.normal(size=60)
        tuned = base + generator.normal(loc=0.2, scale=0.5, size=60)
        low, high = paired_interval(statistic(base, tuned), samples=400, seed=experiment)
        covered += low <= 0.2 <= high
    assert 0.90 <= covered / 300 <= 0.985


def test_pairing_makes_the_interval_narrower_than_the_spread_of_the_rows():
    generator = np.random.default_rng(12)
    hardness = generator.normal(scale=10, size=80)
    low, high = paired_interval(statistic(hardness, hardness + 0.1), 500, 1)
    assert low == pytest.approx(0.1, abs=1e-9)
    assert high == pytest.approx(0.1, abs=1e-9)


rows = hnp.arrays(np.float64, st.integers(2, 40), elements=st.floats(-1e6, 1e6))


@given(rows, st.integers(0, 2**32 - 1))
def test_the_interval_lies_within_the_row_differences(scores, seed):
    tuned = scores[::-1]
    low, high = paired_interval(statistic(scores, tuned), 100, seed)
    differences = tuned - scores
    slack = 1e-6 + 1e-9 * np.abs(scores).max()
    assert low <= high
    assert differences.min() - slack <= low
    assert high <= differences.max() + slack
