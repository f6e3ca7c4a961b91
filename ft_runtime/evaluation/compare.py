"""`evaluate`: base and tuned on the same held-out rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ft_runtime import processes
from ft_runtime.evaluation.base import UNAVAILABLE, base_model, base_unavailable, reload_needed
from ft_runtime.evaluation.bootstrap import CONFIDENCE, MINIMUM_ROWS_FOR_VERDICT
from ft_runtime.evaluation.label_task import METRICS as LABEL_METRICS
from ft_runtime.evaluation.label_task import LabelTask
from ft_runtime.evaluation.report import EvaluationReport
from ft_runtime.evaluation.state import random_state_kept, undisturbed
from ft_runtime.evaluation.task import Task
from ft_runtime.evaluation.text_task import METRICS as TEXT_METRICS
from ft_runtime.evaluation.text_task import TextTask
from ft_runtime.evaluation.verdict import metric_row, number
from ft_runtime.files import write_text_atomic
from ft_runtime.findings import Finding, finding, notify, text
from ft_runtime.progress import together

if TYPE_CHECKING:
    from ft_runtime.config import Config
    from ft_runtime.runs import Run
    from ft_runtime.tokens import PreparedData

FILE = "report.json"
_SMALL = 30


def evaluate(
    config: Config, model: Any, tokenizer: Any, data: PreparedData, run: Run | None = None
) -> EvaluationReport:
    """Compare the tuned model with its base on the same held-out rows.

    The base is the same model with its adapter disabled; where tuning changes the base's weights in
    place (full fine-tuning, trained biases, PiSSA and OLoRA) it is loaded anew. The model's mode,
    its gradient flags and the random state of the session are as before when this returns.

    Parameters
    ----------
    config : Config
        ``eval.*``, ``seed`` and ``hyperparams.batch_size_eval`` are used.
    model : transformers model or PeftModel
        The tuned model.
    tokenizer : PreTrainedTokenizerBase
    data : PreparedData
        The rows of its ``held_out`` split are used: all of them for perplexity and labels, a seeded
        sample of at most ``eval.max_rows`` for generated answers.
    run : Run, optional
        Its folder gets ``report.json``.

    Returns
    -------
    EvaluationReport
        Without metrics, and with a finding, when there are no held-out rows.

    Raises
    ------
    FindingsError
        When ``report.json`` cannot be written, and ``training.fsdp_in_pieces``.
    """
    processes.refuse_pieces(model)
    split = data.held_out
    report = EvaluationReport(config.task, split, len(data.split(split)) if split else 0)
    report.findings += _inapplicable(config)
    if not report.rows_held_out:
        report.findings.append(finding("evaluation.no_rows", where="dataset.split"))
    else:
        with random_state_kept(), together(text("progress.evaluating")):
            _fill(report, _task(config, model, tokenizer, data), config, model, tokenizer, data)
    notify(*report.findings)
    if run is not None:
        write_report(report, run)
    return report


def write_report(report: EvaluationReport, run: Run) -> None:
    """Write ``report.json`` of a run whole; it has no times in it and is the same every time."""
    from ft_runtime.artifacts.folder import told

    target = run.path / FILE
    content = json.dumps(report.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with told(target, len(content)):
        write_text_atomic(target, content)
    values = {row.name: {"base": row.base, "tuned": row.tuned} for row in report.metrics}
    run.event("evaluated", split=report.held_out, metrics=values, timings=report.timings)


def _task(config: Config, model: Any, tokenizer: Any, data: PreparedData) -> Task:
    if config.task == "classification":
        return LabelTask(config, model, tokenizer, data)
    return TextTask(config, model, tokenizer, data)


def _fill(
    report: EvaluationReport,
    task: Task,
    config: Config,
    model: Any,
    tokenizer: Any,
    data: PreparedData,
) -> None:
    """Measure both models and put what was found into the report."""
    with undisturbed(model):
        tuned = task.measure(model, text("evaluation.column_tuned"))
    base = None
    try:
        with base_model(config, model, tokenizer, data) as other, undisturbed(other):
            base = task.measure(other, text("evaluation.column_base"))
    except UNAVAILABLE as error:
        report.findings.append(base_unavailable(config, error))
    statistics = task.statistics(base or tuned, tuned)
    if base is None:
        statistics = [statistic.without(base=True) for statistic in statistics]
    samples, seed = config.eval.bootstrap_samples, config.seed
    report.metrics = [metric_row(statistic, samples, seed) for statistic in statistics]
    report.sample_rows = task.sample_rows
    report.findings += task.findings
    if base is not None:
        report.findings += _not_finite(report)
        report.examples = task.examples(base, tuned)
        report.notes = [*task.notes(base, tuned), *_notes(report, config, model)]
        report.timings.update({f"base_{k}": v for k, v in task.timings(base).items()})
    report.timings.update({f"tuned_{k}": v for k, v in task.timings(tuned).items()})
    report.settings = _settings(config, model, task)


def _inapplicable(config: Config) -> list[Finding]:
    known = LABEL_METRICS if config.task == "classification" else TEXT_METRICS
    return [
        finding("evaluation.metric_task", where="eval.metrics", name=name, task=config.task)
        for name in config.eval.metrics
        if name not in known
    ]


def _not_finite(report: EvaluationReport) -> list[Finding]:
    return [
        finding(
            "evaluation.not_finite",
            where=row.name,
            name=row.name,
            base=number(row.base),
            tuned=number(row.tuned),
        )
        for row in report.metrics
        if row.n and row.difference is None
    ]


def _notes(report: EvaluationReport, config: Config, model: Any) -> list[str]:
    notes = []
    if report.metrics:
        notes.append(text("evaluation.note_interval", samples=config.eval.bootstrap_samples))
        smallest = min(row.n for row in report.metrics)
        if smallest < MINIMUM_ROWS_FOR_VERDICT:
            notes.append(text("evaluation.note_few", minimum=MINIMUM_ROWS_FOR_VERDICT))
        elif smallest < _SMALL:
            notes.append(text("evaluation.note_small", n=smallest))
    if reload_needed(model):
        notes.append(text("evaluation.note_base_reloaded"))
    return notes


def _settings(config: Config, model: Any, task: Task) -> dict[str, Any]:
    from ft_runtime.artifacts.probe import compute_dtype

    return {
        "base_model": config.model_id,
        "revision": config.revision,
        "tune_type": config.tune_type,
        "dtype": compute_dtype(model),
        "seed": config.seed,
        "bootstrap": {
            "method": "paired percentile",
            "samples": config.eval.bootstrap_samples,
            "seed": config.seed,
            "confidence": CONFIDENCE,
        },
        **task.settings(),
    }
