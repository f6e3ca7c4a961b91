"""A whole run without a notebook: the same verbs in the same order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ft_runtime.artifacts import SavedModel
    from ft_runtime.config import Config
    from ft_runtime.devices import Device
    from ft_runtime.evaluation import EvaluationReport
    from ft_runtime.runs import Run
    from ft_runtime.training import TrainResult


@dataclass(frozen=True)
class PipelineResult:
    """What a whole run came to.

    Attributes
    ----------
    path : Path
        The run folder.
    training : TrainResult
    report : EvaluationReport or None
    saved : SavedModel or None
        Of several processes the first one evaluates and saves.
    """

    path: Path
    training: TrainResult
    report: EvaluationReport | None = None
    saved: SavedModel | None = None

    def __repr__(self) -> str:
        parts = (self.training, self.report, self.saved)
        return "\n".join(repr(part) for part in parts if part is not None)


def run(
    config: Config,
    fresh: bool = False,
    progress: bool | None = None,
    tell: Callable[[str], None] = print,
) -> PipelineResult:
    """Do everything that the notebook of this config does, from reading the data to the model card.

    Parameters
    ----------
    config : Config
    fresh : bool
        Begin anew, whatever the run folder holds.
    progress : bool, optional
        Show how it goes; by default yes, and in a log file with a line now and then.
    tell : callable
        Gets each result as text when it is there; of several processes, in the first one.

    Returns
    -------
    PipelineResult

    Raises
    ------
    TrainingPaused
        After Ctrl-C or SIGTERM in training; the same call goes on from there.
    FindingsError
        Whatever is wrong with config, data, model or disk; all of it at once.
    """
    import ft_runtime as ft
    from ft_runtime import processes
    from ft_runtime import progress as bars

    if not processes.is_main():
        tell = _nobody
    ft.seed_everything(config.seed)
    device = ft.detect_device(config)
    tell(repr(device))
    folder = ft.start_run(config, device, fresh=fresh)
    try:
        if not bars.live(progress):
            bars.silence_libraries()
        with bars.shown(progress):
            return _run_in(folder, config, device, tell)
    except BaseException as error:
        # What ended training is already recorded there.
        if folder.status == "running":
            folder.end_with(error)
        raise
    finally:
        folder.close()


def _nobody(_: str) -> None:
    """Hear nothing."""


def _run_in(
    folder: Run,
    config: Config,
    device: Device,
    tell: Callable[[str], None],
) -> PipelineResult:
    import ft_runtime as ft
    from ft_runtime import imports, processes

    with processes.agreeing():
        rows = ft.load_rows(config)
        splits = ft.split_rows(rows, config)
        tokenizer = ft.load_tokenizer(config)
        data = ft.prepare_data(config, rows, splits, tokenizer, folder)
        tell(repr(data))
        model = ft.load_model(config, device, tokenizer, data.label_names, folder)
        args = ft.training_arguments(config, device, folder)
        trainer = ft.build_trainer(config, model, args, tokenizer, data, folder)
        imports.settle()
    training = ft.train(trainer, folder)
    tell(repr(training))
    # The rest is the work of one process, however long it takes.
    processes.leave()
    if not folder.leads:
        return PipelineResult(folder.path, training)
    try:
        report = ft.evaluate(config, model, tokenizer, data, folder)
        tell(repr(report))
    except BaseException:
        # Without checkpoints this is the only copy of what was trained.
        if folder.checkpoint is None:
            ft.save_model(config, model, tokenizer, folder)
        raise
    saved = ft.save_model(config, model, tokenizer, folder)
    tell(repr(saved))
    tell(repr(ft.finish_run(folder, training, report, saved)))
    return PipelineResult(folder.path, training, report, saved)
