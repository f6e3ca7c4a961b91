"""Evaluation of a sequence classifier: predicted labels against the labels of the rows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.evaluation.bootstrap import Statistic
from ft_runtime.evaluation.classify import label_probabilities
from ft_runtime.evaluation.metrics.classification import accuracy, macro_f1
from ft_runtime.evaluation.report import ExampleRow
from ft_runtime.evaluation.sample import sample_indices
from ft_runtime.evaluation.state import is_adapter
from ft_runtime.evaluation.text_task import EXAMPLES
from ft_runtime.findings import Finding, FindingsError, text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ft_runtime.config import Config
    from ft_runtime.tokens import PreparedData

METRICS = ("accuracy", "f1")


@dataclass
class LabelMeasurement:
    """One model on the held-out rows: probabilities of shape (n, labels)."""

    probabilities: NDArray[np.float64]
    seconds: float

    @property
    def finite(self) -> bool:
        """False when the model's outputs are not numbers: then no label is the most probable."""
        import numpy as np

        return bool(np.isfinite(self.probabilities).all())

    @property
    def labels(self) -> list[int]:
        """The most probable label of each row; the first one of equals."""
        return self.probabilities.argmax(axis=-1).tolist()


class LabelTask:
    """The held-out rows of a classification task.

    Parameters
    ----------
    config : Config
    model : transformers model or PeftModel
        The tuned model; only looked at.
    tokenizer : PreTrainedTokenizerBase
    data : PreparedData
        With a held-out split.
    """

    def __init__(self, config: Config, model: Any, tokenizer: Any, data: PreparedData) -> None:
        self._config = config
        self._new_head = has_new_head(config, model)
        split = data.held_out or ""
        self._rows = data.split(split)
        self._examples = data.examples[split]
        self._names = list(data.label_names or [])
        self._references: list[int] = list(self._rows["labels"])
        self._majority = majority(list(data.train["labels"]) or self._references)
        self._pad_id = int(tokenizer.pad_token_id or 0)
        self.sample_rows: list[int] = []
        self.findings: list[Finding] = []

    def measure(self, model: Any, who: str, rows: Sequence[int] | None = None) -> LabelMeasurement:
        """Run one model over all rows, or over those with the numbers `rows`."""
        label = text("evaluation.progress_labels", who=who)
        batch = self._config.hyperparams.batch_size_eval
        ids = list(self._rows["input_ids"])
        if rows is not None:
            places = {number: index for index, number in enumerate(self._rows["row"])}
            ids = [ids[places[number]] for number in rows]
        started = time.perf_counter()
        probabilities = label_probabilities(model, ids, self._pad_id, batch, label)
        return LabelMeasurement(probabilities, time.perf_counter() - started)

    def statistics(self, base: LabelMeasurement, tuned: LabelMeasurement) -> list[Statistic]:
        """Return every metric of two measurements, in the order of the config."""
        labels = base.labels, tuned.labels
        count = len(self._names)
        scorers: dict[str, Callable[[], Statistic]] = {
            "accuracy": lambda: accuracy(self._references, *labels, self._majority),
            "f1": lambda: macro_f1(self._references, *labels, self._majority, count),
        }
        blank = {"base": not base.finite, "tuned": not tuned.finite}
        chosen = [name for name in self._config.eval.metrics if name in scorers]
        return [scorers[name]().without(**blank) for name in chosen]

    def examples(self, base: LabelMeasurement, tuned: LabelMeasurement) -> list[ExampleRow]:
        """Return a few rows with both predictions; a file may be sorted, so not the first ones."""
        return [
            ExampleRow(
                row=example.row,
                prompt=example.text or "",
                reference=example.label or "",
                base=self.shown(base, index),
                tuned=self.shown(tuned, index),
            )
            for index in sample_indices(len(self._examples), EXAMPLES, self._config.seed)
            for example in [self._examples[index]]
        ]

    def shown(self, measurement: LabelMeasurement, index: int) -> str:
        """Return the predicted label of row `index` with its probability."""
        chances = measurement.probabilities[index]
        name = self._names[int(chances.argmax())]
        return text("evaluation.label", label=name, probability=float(chances.max()))

    def notes(self, base: LabelMeasurement, tuned: LabelMeasurement) -> list[str]:  # noqa: ARG002
        """Return what a reader of the numbers has to know."""
        return [text("evaluation.note_base_head")] if self._new_head else []

    def settings(self) -> dict[str, Any]:
        """Return what the baseline is."""
        return {
            "labels": self._names,
            "majority_class": self._names[self._majority],
            "batch_size": self._config.hyperparams.batch_size_eval,
        }

    def timings(self, measurement: LabelMeasurement) -> dict[str, float]:
        """Return the seconds of one measurement."""
        return {"labels_seconds": measurement.seconds}


def has_new_head(config: Config, model: Any) -> bool:
    """Return True if the base has no head for these labels, so that its answers are chance.

    An adapter keeps a new head in ``modules_to_save``; for a whole model the config of the base is
    asked, and a base that cannot be read counts as having none.
    """
    if is_adapter(model):
        return any(getattr(own, "modules_to_save", None) for own in model.peft_config.values())
    from ft_runtime.models.architecture import read_model_config
    from ft_runtime.models.source import find_model

    try:
        described = read_model_config(find_model(config))
    except (FindingsError, OSError):
        return True
    classes = described.raw.get("architectures") or []
    trained = any("SequenceClassification" in name for name in classes)
    return not trained or described.config.id2label != model.config.id2label


def majority(labels: Sequence[int]) -> int:
    """Return the most frequent label; the smallest of equals."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))
