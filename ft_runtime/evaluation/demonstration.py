"""`demonstrate`: a few held-out rows, base beside tuned, with the time each answer took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.evaluation.base import UNAVAILABLE, base_model, base_unavailable
from ft_runtime.evaluation.label_task import LabelTask
from ft_runtime.evaluation.report import html_table, shorten
from ft_runtime.evaluation.sample import sample_indices
from ft_runtime.evaluation.state import random_state_kept, undisturbed
from ft_runtime.evaluation.text_task import TextTask, answerable, shown_prompt
from ft_runtime.findings import finding, notify, text
from ft_runtime.progress import shown

if TYPE_CHECKING:
    from ft_runtime.config import Config
    from ft_runtime.tokens import Example, PreparedData


@dataclass(frozen=True)
class Shown:
    """One answer.

    Attributes
    ----------
    text : str
        The answer, or the label with its probability.
    seconds : float
        Wall time of this one row.
    tokens : int or None
        New tokens; None for a label.
    """

    text: str
    seconds: float
    tokens: int | None = None

    @property
    def speed(self) -> str:
        """Seconds, and new tokens a second."""
        if self.tokens is None:
            return text("evaluation.seconds", seconds=self.seconds)
        rate = self.tokens / self.seconds if self.seconds else 0.0
        return text("evaluation.seconds_tokens", seconds=self.seconds, rate=rate)


@dataclass(frozen=True)
class DemonstrationRow:
    """One row: what was asked, what was wanted, what both models answered.

    `base` is None when the base model could not be loaded.
    """

    row: int
    prompt: str
    reference: str
    base: Shown | None
    tuned: Shown


class Demonstration(list[DemonstrationRow]):
    """Rows that show themselves as a table."""

    def __repr__(self) -> str:
        if not self:
            return text("evaluation.headline_empty")
        return "\n\n".join(self._plain(item) for item in self)

    def _repr_html_(self) -> str:
        if not self:
            return f"<p>{text('evaluation.headline_empty')}</p>"
        keys = ("prompt", "reference", "base", "tuned", "time_base", "time_tuned")
        header = ["#", *(text(f"evaluation.column_{key}") for key in keys)]
        return html_table(header, [self._cells(item) for item in self])

    @staticmethod
    def _plain(item: DemonstrationRow) -> str:
        lines = [
            ("prompt", shorten(item.prompt)),
            ("reference", shorten(item.reference)),
            ("base", "  ".join(_parts(item.base))),
            ("tuned", "  ".join(_parts(item.tuned))),
        ]
        shown = (f"{text(f'evaluation.column_{key}')}: {value}" for key, value in lines)
        return f"#{item.row}\n" + "\n".join(shown)

    @staticmethod
    def _cells(item: DemonstrationRow) -> list[str]:
        asked = [str(item.row), shorten(item.prompt), shorten(item.reference)]
        (base, base_time), (tuned, tuned_time) = _parts(item.base), _parts(item.tuned)
        return [*asked, base, tuned, base_time, tuned_time]


def _parts(answer: Shown | None) -> tuple[str, str]:
    """Return an answer and its time as they are shown."""
    return (shorten(answer.text), answer.speed) if answer else ("–", "–")


def demonstrate(
    config: Config, model: Any, tokenizer: Any, data: PreparedData, n: int = 3
) -> Demonstration:
    """Let base and tuned answer a few rows, one at a time, and measure the time of each.

    Parameters
    ----------
    config : Config
    model : transformers model or PeftModel
        The tuned model; afterwards as it was.
    tokenizer : PreTrainedTokenizerBase
    data : PreparedData
        Rows of its held-out split are shown, drawn with ``seed``: a file may be sorted.
    n : int
        Number of rows.

    Returns
    -------
    Demonstration
        A list of `DemonstrationRow`; empty, with a finding shown, when there are no held-out rows.
    """
    examples = _choose(config, data, n)
    if not examples:
        notify(finding("evaluation.no_rows", where="dataset.split"))
        return Demonstration()
    base: list[Shown | None] = [None] * len(examples)
    # The table is all that is worth keeping: seven loops of one prompt each would stand above it.
    with random_state_kept(), shown(False):
        ask = _asker(config, model, tokenizer, data)
        with undisturbed(model):
            ask(model, examples[0])  # the first call of a session pays for its kernels
            tuned = [ask(model, example) for example in examples]
        try:
            with base_model(config, model, tokenizer, data) as other, undisturbed(other):
                base = [ask(other, example) for example in examples]
        except UNAVAILABLE as error:
            notify(base_unavailable(config, error))
    return Demonstration(
        DemonstrationRow(
            row=example.row,
            prompt=example.text or shown_prompt(example),
            reference=example.label or example.reference or "",
            base=of_base,
            tuned=of_tuned,
        )
        for example, of_base, of_tuned in zip(examples, base, tuned, strict=True)
    )


def _choose(config: Config, data: PreparedData, n: int) -> list[Example]:
    """Return `n` examples of the held-out split."""
    examples = data.examples[data.held_out] if data.held_out else []
    if config.task != "classification":
        examples = answerable(examples)
    return [examples[index] for index in sample_indices(len(examples), n, config.seed)]


def _asker(
    config: Config, model: Any, tokenizer: Any, data: PreparedData
) -> Callable[[Any, Example], Shown]:
    """Return what asks a model about one row, timed."""
    if config.task == "classification":
        labels = LabelTask(config, model, tokenizer, data)

        def ask_label(asked: Any, example: Example) -> Shown:
            found = labels.measure(asked, text("evaluation.column_prompt"), [example.row])
            return Shown(labels.shown(found, 0), found.seconds)

        return ask_label
    task = TextTask(config, model, tokenizer, data)

    def ask_text(asked: Any, example: Example) -> Shown:
        prompt = task.prompt(example)[0]
        started = time.perf_counter()
        answer = task.answer(asked, [prompt], 1, text("evaluation.column_prompt"))[0]
        return Shown(answer.text, time.perf_counter() - started, answer.tokens)

    return ask_text
