import math

import numpy as np
import pytest
import torch

from ft_runtime.evaluation.likelihood import row_likelihoods
from ft_runtime.evaluation.metrics.perplexity import perplexity


def by_hand(model, rows):
    """Log-softmax written out in float64, one row at a time, without padding."""
    sums, counts = [], []
    for row in rows:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([row["input_ids"]])).logits[0].double().numpy()
        total = count = 0
        for position, label in enumerate(row["labels"]):
            if position == 0 or label == -100:
                continue
            scores = logits[position - 1]
            peak = scores.max()
            total += peak + math.log(np.exp(scores - peak).sum()) - scores[label]
            count += 1
        sums.append(total)
        counts.append(count)
    return np.array(sums), np.array(counts)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 50])
def test_likelihoods_equal_a_hand_written_sum_for_every_batch_size(
    small_lm, token_rows, batch_size
):
    nll, tokens = row_likelihoods(small_lm, token_rows, pad_id=0, batch_size=batch_size)
    expected, counts = by_hand(small_lm, token_rows)
    assert nll == pytest.approx(expected, rel=1e-5)
    assert tokens.tolist() == counts.tolist()
    assert tokens.tolist() == [3, 8, 7, 1, 0, 1, 14]  # a first token has no prediction


def test_perplexity_is_token_weighted_and_agrees_with_the_models_own_loss(small_lm, token_rows):
    nll, tokens = row_likelihoods(small_lm, token_rows, pad_id=0, batch_size=4)
    total = count = 0.0
    for row, n in zip(token_rows, tokens, strict=True):
        if n:
            with torch.no_grad():
                loss = small_lm(
                    input_ids=torch.tensor([row["input_ids"]]), labels=torch.tensor([row["labels"]])
                ).loss
            total += float(loss) * n
            count += n
    found = perplexity(nll, nll, tokens).values()[0]
    assert found == pytest.approx(math.exp(total / count), rel=1e-5)


def test_what_the_pad_token_is_does_not_matter(small_lm, token_rows):
    one, _ = row_likelihoods(small_lm, token_rows, pad_id=0, batch_size=7)
    other, _ = row_likelihoods(small_lm, token_rows, pad_id=41, batch_size=7)
    assert one == pytest.approx(other, abs=1e-9)


def test_logits_are_made_only_where_a_token_is_supervised(small_lm, token_rows, monkeypatch):
    shapes = []
    forward = type(small_lm).forward

    def watched(self, *args, **kwargs):
        output = forward(self, *args, **kwargs)
        shapes.append(tuple(output.logits.shape))
        return output

    watched.__signature__ = __import__("inspect").signature(forward)
    monkeypatch.setattr(type(small_lm), "forward", watched)
    row_likelihoods(small_lm, [token_rows[3]], pad_id=0, batch_size=1)
    assert shapes == [(1, 1, 97)]  # one supervised token of thirty


def test_a_model_without_that_option_gives_the_same(small_lm, token_rows):
    class Whole(torch.nn.Module):
        device = small_lm.device

        def forward(self, input_ids, attention_mask, use_cache=None):
            return small_lm(input_ids=input_ids, attention_mask=attention_mask)

    whole, _ = row_likelihoods(Whole(), token_rows, pad_id=0, batch_size=3)
    narrow, _ = row_likelihoods(small_lm, token_rows, pad_id=0, batch_size=3)
    assert whole == pytest.approx(narrow, rel=1e-6)
