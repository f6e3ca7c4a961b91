import numpy as np
import pytest
import torch

from ft_runtime.evaluation.classify import label_probabilities

ROWS = [[5, 9, 11], [7], [5, 9, 11, 30, 31, 8], [60, 61]]


@pytest.mark.parametrize("batch_size", [1, 3, 10])
def test_probabilities_equal_an_unpadded_softmax(small_classifier, batch_size):
    found = label_probabilities(small_classifier, ROWS, 0, batch_size)
    with torch.no_grad():
        logits = [small_classifier(input_ids=torch.tensor([r])).logits[0].numpy() for r in ROWS]
    expected = [np.exp(x - x.max()) / np.exp(x - x.max()).sum() for x in logits]
    assert found == pytest.approx(np.array(expected), abs=1e-5)
    assert found.sum(axis=-1) == pytest.approx(np.ones(4))


def test_no_rows_give_an_empty_table(small_classifier):
    assert label_probabilities(small_classifier, [], 0, 4).shape == (0, 3)
