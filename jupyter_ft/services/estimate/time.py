"""How long a run takes: operations over speed.

A forward pass takes 2 operations for each weight of a matrix and token, the backward pass twice
that: 6 in all (Kaplan et al. 2020, "Scaling Laws for Neural Language Models", section 2.1). With a
frozen base the gradient of its weights is not computed: 4. Checkpointing adds a forward pass: + 2.
Attention adds 4 s h operations a layer and token forward, three times that in all. The speed is
0.3 of the peak of a known GPU, and a fixed rate for each core of a CPU, more where it multiplies
bf16: an order, not a promise.
"""

from __future__ import annotations

import math
from typing import Any

from ft_runtime.config import Config
from jupyter_ft.services.estimate.setting import Setting
from jupyter_ft.services.estimate.shape import Shape

CHARACTERS_PER_TOKEN = 4.0
"""Of English text; other languages and code have fewer."""


def seconds(
    shape: Shape, config: Config, use: Setting, speed: float | None, data: dict[str, Any]
) -> float | None:
    """Return the time of the training steps; None when speed or number of rows are not known.

    Parameters
    ----------
    shape, config, use
        What is trained and how.
    speed : float or None
        Operations a second.
    data : dict
        ``rows`` of the whole dataset and ``characters`` of a row on average, if known.
    """
    rows = data.get("rows")
    limit = config.hyperparams.max_steps
    if speed is None or (not rows and not limit):
        return None
    per_row = float(use.tokens)
    if data.get("characters"):
        per_row = min(per_row, math.ceil(data["characters"] / CHARACTERS_PER_TOKEN))
    step = use.rows * int(config.hyperparams.gradient_accumulation)
    split = config.dataset.split
    share = split.train if split else 1.0
    steps = limit or math.ceil((rows or 0) * share / step) * config.hyperparams.num_epochs
    return float(steps) * step * per_row * operations(shape, config, use, per_row) / speed


def operations(shape: Shape, config: Config, use: Setting, length: float) -> float:
    """Return the operations for one token of a row of `length` tokens."""
    passes = 6 if config.tune_type == "full" else 4
    passes += 2 if use.checkpointing else 0
    head = shape.vocabulary * shape.hidden if config.task == "causal_lm" else 0
    attention = shape.layers * 2 * length * shape.query
    return passes * (shape.matrices + head + attention)
