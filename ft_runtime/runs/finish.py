"""`finish_run`: the last word of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ft_runtime.findings import text

if TYPE_CHECKING:
    from ft_runtime.artifacts import SavedModel
    from ft_runtime.evaluation import EvaluationReport
    from ft_runtime.runs.folder import Run
    from ft_runtime.training import TrainResult


class FinishedRun:
    """A run that is complete.

    Attributes
    ----------
    path : Path
        Its folder.
    files : list of str
        What lies in it, folders with a slash.
    """

    def __init__(self, run: Run) -> None:
        self.path = run.path
        self.files = sorted(
            f"{item.name}/" if item.is_dir() else item.name
            for item in run.path.iterdir()
            if not item.name.startswith(".")
        )

    def __repr__(self) -> str:
        lines = [text("run.repr_finished", folder=self.path), *(f"  {name}" for name in self.files)]
        return "\n".join(lines)


def finish_run(
    run: Run,
    result: TrainResult | None = None,
    report: EvaluationReport | None = None,
    saved: SavedModel | None = None,
) -> FinishedRun:
    """Write the model card, mark the run as finished and let go of its folder.

    Parameters
    ----------
    run : Run
    result : TrainResult, optional
    report : EvaluationReport, optional
    saved : SavedModel, optional
        What the verbs before returned, for the last event. The card is made from the folder alone.

    Returns
    -------
    FinishedRun

    Raises
    ------
    FindingsError
        ``run.cannot_write``.
    """
    from ft_runtime.artifacts import write_card

    write_card(run)
    run.end("finished", **_summary(result, report, saved))
    run.close()
    return FinishedRun(run)


def _summary(
    result: TrainResult | None, report: EvaluationReport | None, saved: SavedModel | None
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if result is not None:
        found |= {"step": result.steps, "total_steps": result.total_steps}
    if report is not None:
        found["held_out"] = report.held_out
    if saved is not None:
        found["saved"] = saved.path.name
    return found
