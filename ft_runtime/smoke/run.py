"""`smoke_test`: train a small model on made-up rows and prove that it learned."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import FindingsError, muted
from ft_runtime.smoke.proofs import hardest, look, prove
from ft_runtime.smoke.result import SmokeResult
from ft_runtime.smoke.trial import make_trial

if TYPE_CHECKING:
    from ft_runtime.artifacts.probe import LogitCheck
    from ft_runtime.config import Config
    from ft_runtime.devices import Device
    from ft_runtime.tokens import PreparedData

COPIES = 8
"""More copies of the canary row in the training set."""
_LOGGING_FOLDER = "TENSORBOARD_LOGGING_DIR"


def smoke_test(config: Config | None = None, rows: int = 50, seed: int = 0) -> SmokeResult:
    """Train a small model for one epoch of made-up rows, and prove that it learned.

    The model is the configured one when it is small (below 5 million parameters), else a toy of
    its architecture with the real tokenizer. Way of tuning, adapter, quantisation, optimizer,
    schedule, packing and precision are those of the config; the learning rate suits a toy.

    Parameters
    ----------
    config : Config, optional
        Without one, a model of our own is trained with LoRA.
    rows : int
        Rows of the made-up data set.
    seed : int
        Chooses the rows.

    Returns
    -------
    SmokeResult

    Raises
    ------
    FindingsError
        With one finding for each proof that does not hold: ``smoke.steps``, ``smoke.weights``,
        ``smoke.base``, ``smoke.adapter``, ``smoke.canary``, ``smoke.reload``; and whatever keeps
        the training itself from running.

    Notes
    -----
    It works in a temporary folder and leaves no trace: not in the run folder, and not in the random
    numbers of the session.
    """
    from ft_runtime.evaluation.state import random_state_kept

    started = time.perf_counter()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="ft-smoke-")))
        stack.enter_context(muted())
        stack.enter_context(random_state_kept())
        stack.enter_context(_surroundings_kept())
        trial = make_trial(config, folder, rows, seed)
        proofs, steps, problem = _train(trial.config, folder)
    seconds = time.perf_counter() - started
    result = SmokeResult(proofs, trial.model, rows, steps, seconds)
    failed = [proof.finding() for proof in proofs if not proof.passed]
    if failed or problem is not None:
        raise FindingsError([*failed, *(problem.findings if problem else [])])
    return result


def _train(config: Config, folder: Path) -> tuple[tuple[Any, ...], int, FindingsError | None]:
    """Run the verbs of a notebook; return proofs, steps, and what training complained of."""
    import ft_runtime as ft
    from ft_runtime.tokens.collate import collator_for
    from ft_runtime.training import TrainingPaused

    device = ft.detect_device(config)
    run = ft.start_run(config, device)
    try:
        rows = ft.load_rows(config)
        tokenizer = ft.load_tokenizer(config)
        data = ft.prepare_data(config, rows, ft.split_rows(rows, config), tokenizer, run)
        model = ft.load_model(config, device, tokenizer, data.label_names, run)
        args = ft.training_arguments(config, device, run, progress=False)
        data, canary = with_canary(data, model, collator_for(config, tokenizer))
        trainer = ft.build_trainer(config, model, args, tokenizer, data, run)
        before = look(model, canary)
        problem = None
        try:
            if before.trained:  # else torch refuses with words that help nobody
                ft.train(trainer, run)
        except TrainingPaused:
            raise
        except FindingsError as error:
            problem = error  # the proofs tell more about what is broken
        due = -(-len(data.train) // args.per_device_train_batch_size)
        check = _reloaded(
            config, device, model, tokenizer, data.label_names, canary, folder / "saved"
        )
        steps = trainer.state.global_step
        return prove(model, before, canary, steps, due, check), steps, problem
    finally:
        run.close()


def with_canary(data: PreparedData, model: Any, collate: Any) -> tuple[PreparedData, Any]:
    """Return the data with more copies of one training row, and that row as a batch.

    A single epoch of so few rows teaches a random classifier little about any one of them; a row
    that it meets a few times it must learn, if it learns at all.
    """
    batches = [dict(collate([row])) for row in data.train]
    place = hardest(model, batches)
    rows = [*range(len(data.train)), *[place] * COPIES]
    return replace(data, train=data.train.select(rows)), batches[place]


def _reloaded(
    config: Config,
    device: Device,
    model: Any,
    tokenizer: Any,
    labels: Any,
    canary: Any,
    folder: Path,
) -> LogitCheck | str:
    """Save the model, load it again from its files, and compare the logits of both."""
    from ft_runtime.artifacts.probe import compare_logits, compute_dtype, logits_of
    from ft_runtime.artifacts.reload import load_whole, with_adapter
    from ft_runtime.compat import quiet_libraries
    from ft_runtime.evaluation.base import device_like, load_base
    from ft_runtime.evaluation.state import inner, is_adapter

    ids = [canary["input_ids"][0].tolist()]
    live = logits_of(model, ids)
    # Only what was trained: asking for embeddings makes PEFT look at the base on the hub.
    options = {"save_embedding_layers": False} if is_adapter(model) else {}
    try:
        with quiet_libraries():
            model.save_pretrained(str(folder), **options)
        if is_adapter(model):
            # Quantised weights depend on the type that they were rounded to before.
            quantised = getattr(inner(model), "is_quantized", False)
            like = device if quantised else device_like(model, device.type)
            loaded = with_adapter(load_base(config, like, tokenizer, labels), folder)
        else:
            dtype = next(model.parameters()).dtype
            loaded = load_whole(model, folder, dtype).to(inner(model).device)
        return compare_logits(live, logits_of(loaded, ids), compute_dtype(model))
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def _surroundings_kept() -> Iterator[None]:
    """Restore what a training sets for the whole process, and keep progress bars away meanwhile."""
    from transformers.utils import logging

    folder = os.environ.get(_LOGGING_FOLDER)
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if bars:
            logging.enable_progress_bar()
        os.environ.pop(_LOGGING_FOLDER, None)
        if folder is not None:
            os.environ[_LOGGING_FOLDER] = folder
