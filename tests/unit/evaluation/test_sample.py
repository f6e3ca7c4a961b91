from hypothesis import given
from hypothesis import strategies as st

from ft_runtime.evaluation.sample import sample_indices


@given(st.integers(0, 300), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_a_sample_is_ascending_without_repeats_and_repeatable(count, limit, seed):
    found = sample_indices(count, limit, seed)
    assert found == sorted(set(found))
    assert len(found) == min(count, limit)
    assert all(0 <= index < count for index in found)
    assert sample_indices(count, limit, seed) == found


def test_another_seed_draws_other_rows():
    assert sample_indices(1000, 10, 1) != sample_indices(1000, 10, 2)
