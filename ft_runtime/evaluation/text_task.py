"""Evaluation of a causal language model: perplexity, and greedy answers against references."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.data.formats.chat import said
from ft_runtime.evaluation.bootstrap import Statistic
from ft_runtime.evaluation.generate import (
    Answer,
    context_length,
    gives_numbers,
    greedy_answers,
    pad_token,
)
from ft_runtime.evaluation.likelihood import row_likelihoods
from ft_runtime.evaluation.metrics.bleu import bleu
from ft_runtime.evaluation.metrics.exact import exact_match
from ft_runtime.evaluation.metrics.perplexity import perplexity
from ft_runtime.evaluation.metrics.rouge import rouge
from ft_runtime.evaluation.report import ExampleRow
from ft_runtime.evaluation.sample import sample_indices
from ft_runtime.evaluation.state import inner
from ft_runtime.findings import Finding, finding, text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ft_runtime.config import Config
    from ft_runtime.tokens import Example, PreparedData

METRICS = ("perplexity", "rouge", "bleu", "exact_match")
_SHORT_WORDS = 4  # BLEU counts runs of up to four words
EXAMPLES = 5

_Scorer = Callable[[Sequence[str], Sequence[str], Sequence[str]], list[Statistic]]
_ANSWER_METRICS: dict[str, _Scorer] = {
    "rouge": rouge,
    "bleu": lambda references, base, tuned: [bleu(references, base, tuned)],
    "exact_match": lambda references, base, tuned: [exact_match(references, base, tuned)],
}


@dataclass
class TextMeasurement:
    """One model on the held-out rows: likelihoods of all, answers for the sample.

    `finite` is False when the logits are not numbers: greedy decoding would go on all the same.
    """

    nll: NDArray[np.float64] | None
    tokens: NDArray[np.float64] | None
    answers: list[Answer]
    finite: bool
    seconds: dict[str, float]


class TextTask:
    """The held-out rows of a text task, encoded once for both models.

    Parameters
    ----------
    config : Config
    model : transformers model or PeftModel
        Only its context length and its end tokens are looked at.
    tokenizer : PreTrainedTokenizerBase
    data : PreparedData
        With a held-out split.
    """

    def __init__(self, config: Config, model: Any, tokenizer: Any, data: PreparedData) -> None:
        self._config = config
        self._tokenizer = tokenizer
        self._split = data.held_out or ""
        self._rows = data.split(self._split)
        self._ledger = data.ledger
        self._end_ids = end_ids(model, tokenizer, data.end_token_ids)
        self._context = context_length(model)
        self.findings: list[Finding] = []
        wanted = [name for name in config.eval.metrics if name in _ANSWER_METRICS]
        usable = answerable(data.examples[self._split]) if wanted else []
        self._answerable = len(usable)
        if wanted and not usable:
            metrics = ", ".join(wanted)
            self.findings.append(finding("evaluation.no_examples", metrics=metrics))
            wanted = []
        self._answer_metrics = wanted
        limit = config.eval.max_rows
        chosen = sample_indices(len(usable), limit, config.seed)
        self._sample = [usable[index] for index in chosen]
        self.sample_rows = [example.row for example in self._sample]
        encoded = [self.prompt(example) for example in self._sample]
        self._prompts = [ids for ids, _ in encoded]
        self._cut = sum(cut > 0 for _, cut in encoded)

    def prompt(self, example: Example) -> tuple[list[int], int]:
        """Return the prompt of an example, and how many tokens it lost at its beginning."""
        return prompt_ids(self._tokenizer, example, self._context, self._config.eval.max_new_tokens)

    def measure(self, model: Any, who: str) -> TextMeasurement:
        """Run one model over the rows."""
        seconds: dict[str, float] = {}
        nll = tokens = None
        batch = self._config.hyperparams.batch_size_eval
        if "perplexity" in self._config.eval.metrics:
            started = time.perf_counter()
            columns = self._rows.select_columns(["input_ids", "labels"])
            label = text("evaluation.progress_perplexity", who=who)
            pad_id = pad_token(self._tokenizer, self._end_ids)
            nll, tokens = row_likelihoods(model, columns.to_list(), pad_id, batch, label)
            seconds["perplexity_seconds"] = time.perf_counter() - started
        answers: list[Answer] = []
        finite = True
        if self._prompts:
            started = time.perf_counter()
            label = text("evaluation.progress_answers", who=who)
            answers = self.answer(model, self._prompts, batch, label)
            finite = gives_numbers(model, self._prompts[0])
            seconds["answers_seconds"] = time.perf_counter() - started
        return TextMeasurement(nll, tokens, answers, finite, seconds)

    def answer(
        self, model: Any, prompts: Sequence[Sequence[int]], batch: int, label: str
    ) -> list[Answer]:
        """Continue prompts greedily, as everywhere in this evaluation."""
        limit = self._config.eval.max_new_tokens
        return greedy_answers(model, self._tokenizer, prompts, limit, batch, self._end_ids, label)

    def statistics(self, base: TextMeasurement, tuned: TextMeasurement) -> list[Statistic]:
        """Return every metric of two measurements, in the order of the config."""
        found: list[Statistic] = []
        for name in self._config.eval.metrics:
            if name == "perplexity":
                found.append(perplexity(base.nll, tuned.nll, tuned.tokens))
            elif name in self._answer_metrics:
                references = [example.reference or "" for example in self._sample]
                pair = [[answer.text for answer in side.answers] for side in (base, tuned)]
                blank = {"base": not base.finite, "tuned": not tuned.finite}
                scored = _ANSWER_METRICS[name](references, *pair)
                found += [statistic.without(**blank) for statistic in scored]
        return found

    def examples(self, base: TextMeasurement, tuned: TextMeasurement) -> list[ExampleRow]:
        """Return a few rows of the sample with both answers."""
        rows = list(zip(self._sample, base.answers, tuned.answers, strict=True))
        return [
            ExampleRow(e.row, shown_prompt(e), e.reference or "", b.text, t.text)
            for index in sample_indices(len(rows), EXAMPLES, self._config.seed)
            for e, b, t in [rows[index]]
        ]

    def notes(self, base: TextMeasurement, tuned: TextMeasurement) -> list[str]:
        """Return what a reader of the numbers has to know."""
        notes = []
        held_out, n = len(self._rows), len(self._sample)
        if n:
            cut = {"base": _limited(base), "tuned": _limited(tuned)}
            limit = self._config.eval.max_new_tokens
            notes.append(text("evaluation.note_limit", limit=limit, n=n, **cut))
        if self._cut:
            values = {"n": self._cut, "context": self._context}
            notes.append(text("evaluation.note_prompt_cut", **values))
        if self._answer_metrics and self._answerable < held_out:
            values = {"n": held_out - self._answerable, "rows": held_out}
            notes.append(text("evaluation.note_without_example", **values))
        counts = self._ledger.counts(self._split)
        if shortened := counts["truncated"] + counts["lost_end"]:
            notes.append(text("evaluation.note_truncated", n=shortened, rows=held_out))
        if "bleu" in self._answer_metrics:
            words = sum(len((example.reference or "").split()) for example in self._sample)
            if words < _SHORT_WORDS * n:
                notes.append(text("evaluation.note_bleu_short"))
        return notes

    def settings(self) -> dict[str, Any]:
        """Return how answers were decoded."""
        if not self._prompts:
            return {}
        return {
            "decoding": {
                "do_sample": False,
                "num_beams": 1,
                "max_new_tokens": self._config.eval.max_new_tokens,
                "end_token_ids": list(self._end_ids),
                "padding_side": "left",
                "batch_size": self._config.hyperparams.batch_size_eval,
            }
        }

    def timings(self, measurement: TextMeasurement) -> dict[str, float]:
        """Return seconds and new tokens of one measurement."""
        found = dict(measurement.seconds)
        if measurement.answers:
            found["answers_tokens"] = float(sum(a.tokens for a in measurement.answers))
        return found


def answerable(examples: Sequence[Example]) -> list[Example]:
    """Return the examples that have both a prompt and a reference answer."""
    return [example for example in examples if example.prompt and example.reference]


def shown_prompt(example: Example) -> str:
    """Return what was asked, for people: of a chat what was said, without the template's tokens."""
    if example.messages is None:
        return example.prompt or ""
    asked = example.messages[:-1]
    if len(asked) == 1:
        return said(asked[0])
    return "\n".join(f"{message['role']}: {said(message)}" for message in asked)


def end_ids(model: Any, tokenizer: Any, learned: Sequence[int]) -> tuple[int, ...]:
    """Return the tokens that end an answer.

    They are the end tokens of the supervised answers, the tokenizer's, and those that the model's
    own generation config names.
    """
    named = getattr(inner(model).generation_config, "eos_token_id", None)
    own = named if isinstance(named, list) else [named]
    found = {*learned, tokenizer.eos_token_id, *own}
    return tuple(sorted(int(token) for token in found if token is not None))


def prompt_ids(
    tokenizer: Any, example: Example, context: int | None, max_new_tokens: int
) -> tuple[list[int], int]:
    """Encode a prompt; what does not fit beside the answer is cut at the beginning.

    Returns
    -------
    ids : list of int
        Token ids, at least one.
    cut : int
        Tokens that were cut.
    """
    from ft_runtime.tokens import encode_prompt

    ids = encode_prompt(tokenizer, example)
    room = max(1, context - max_new_tokens) if context else len(ids)
    return ids[-room:], max(0, len(ids) - room)


def _limited(measurement: TextMeasurement) -> int:
    return sum(answer.hit_limit for answer in measurement.answers)
