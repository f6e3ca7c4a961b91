"""`demonstrate`: a few held-out rows, base beside tuned, with the time each answer took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.evaluation.base import base_model
from ft_runtime.evaluation.label_task import LabelTask
from ft_runtime.evaluation.report import html_table, shorten
from ft_runtime.evaluation.state import random_state_kept, undisturbed
from ft_runtime.evaluation.text_task import TextTask, answerable, shown_prompt
from ft_runtime.findings import finding, notify, text

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
    """One row: what was asked, what was wanted, what both models answered."""

    row: int
    prompt: str
    reference: str
    base: Shown
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
            ("base", f"{shorten(item.base.text)}  [{item.base.speed}]"),
            ("tuned", f"{shorten(item.tuned.text)}  [{item.tuned.speed}]"),
        ]
        shown = (f"{text(f'evaluation.column_{key}')}: {value}" for key, value in lines)
        return f"#{item.row}\n" + "\n".join(shown)

    @staticmethod
    def _cells(item: DemonstrationRow) -> list[str]:
        texts = (item.prompt, item.reference, item.base.text, item.tuned.text)
        shown = (shorten(value) for value in texts)
        return [str(item.row), *shown, item.base.speed, item.tuned.speed]


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
        The first rows of its held-out split are shown.
    n : int
        Number of rows.

    Returns
    -------
    Demonstration
        A list of `DemonstrationRow`; empty, with a finding shown, when there are no held-out rows.
    """
    split = data.held_out
    examples = data.examples[split] if split else []
    if config.task != "classification":
        examples = answerable(examples)
    examples = examples[:n]
    if not examples:
        notify(finding("evaluation.no_rows", where="dataset.split"))
        return Demonstration()
    with random_state_kept():
        ask = _asker(config, model, tokenizer, data, examples)
        with undisturbed(model):
            ask(model, 0)  # the first call of a session pays for its kernels
            tuned = [ask(model, index) for index in range(len(examples))]
        with base_model(config, model, tokenizer, data) as other, undisturbed(other):
            base = [ask(other, index) for index in range(len(examples))]
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


def _asker(
    config: Config, model: Any, tokenizer: Any, data: PreparedData, examples: list[Example]
) -> Callable[[Any, int], Shown]:
    """Return what asks a model for the answer to one of the rows, timed."""
    if config.task == "classification":
        labels = LabelTask(config, model, tokenizer, data)

        def ask_label(asked: Any, index: int) -> Shown:
            found = labels.measure(asked, text("evaluation.column_prompt"), rows=[index])
            return Shown(labels.shown(found, 0), found.seconds)

        return ask_label
    task = TextTask(config, model, tokenizer, data)
    prompts = [task.prompt(example)[0] for example in examples]

    def ask_text(asked: Any, index: int) -> Shown:
        started = time.perf_counter()
        answer = task.answer(asked, [prompts[index]], 1, text("evaluation.column_prompt"))[0]
        return Shown(answer.text, time.perf_counter() - started, answer.tokens)

    return ask_text
