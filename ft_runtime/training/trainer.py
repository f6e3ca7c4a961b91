"""`build_trainer`: transformers' Trainer, with an exact loss and a watch on it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import FindingsError, finding, notify, raise_for_errors
from ft_runtime.training.callbacks import run_callback_class
from ft_runtime.training.progress import show_progress
from ft_runtime.training.schedule import complete_schedule, total_steps
from ft_runtime.training.tally import Tally

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer, TrainingArguments

    from ft_runtime.config import Config
    from ft_runtime.runs import Run
    from ft_runtime.tokens import PreparedData

_ROWS = "ft_rows"


def build_trainer(
    config: Config,
    model: PreTrainedModel,
    args: TrainingArguments,
    tokenizer: PreTrainedTokenizerBase,
    data: PreparedData,
    run: Run,
) -> Trainer:
    """Put model, data and arguments together in a `transformers.Trainer`.

    It differs from a plain one in three things: the loss of an optimizer step is the mean over all
    its supervised tokens (or rows), however they are cut into batches, for every architecture; a
    loss that is NaN or infinite stops the training before it reaches the weights; events, metrics
    and verified checkpoints are written to the run folder.

    Raises
    ------
    FindingsError
        ``training.no_rows``, ``training.scheduler_needs_val``, ``training.scheduler_options``, and
        ``tokens.packing_leaks`` for an architecture that does not keep packed rows apart.
    """
    from ft_runtime.tokens.collate import collator_for
    from ft_runtime.tokens.packing import check_packing

    rows = len(data.train)
    if rows == 0:
        raise FindingsError([finding("training.no_rows", where="dataset.split")])
    val = data.val if data.val is not None and len(data.val) else None
    if val is None:
        args.eval_strategy = type(args.eval_strategy)("no")
    else:
        val = val.select(range(min(len(val), config.eval.max_rows)))
    if config.hyperparams.packing:
        found = check_packing(model)
        raise_for_errors(found)
        notify(*found)
    complete_schedule(args, total_steps(args, rows), val is not None)
    trainer = _trainer_class()(
        model=model,
        args=args,
        data_collator=RowCollator(collator_for(config, tokenizer)),
        train_dataset=data.train,
        eval_dataset=val,
        processing_class=tokenizer,
        compute_loss_func=row_loss if config.task == "classification" else None,
        callbacks=[run_callback_class()(run)],
    )
    if config.task != "classification" and not trainer.model_accepts_loss_kwargs:
        # An older architecture takes the mean of each batch by itself; then the mean over a step
        # would weigh short batches too much.
        trainer.compute_loss_func = token_loss
    show_progress(trainer, lambda: int(trainer.tally.to_dict()["tokens"]))
    return trainer


class RowCollator:
    """A collator that also tells which rows are in the batch, for messages."""

    def __init__(self, collator: Any) -> None:
        self.collator = collator

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the batch with the row numbers under a name that `compute_loss` takes out."""
        rows = [feature.get("row") for feature in features]
        batch: dict[str, Any] = dict(self.collator(features))
        batch[_ROWS] = rows
        return batch


def row_loss(
    outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int | None = None
) -> torch.Tensor:
    """Cross-entropy of a classifier: the sum over rows, divided by the rows of the optimizer step.

    Many classification heads take the mean of each batch and ignore `num_items_in_batch`, while the
    Trainer believes that they obey it: with accumulation their gradient would be too large by the
    number of batches.

    Parameters
    ----------
    outputs : ModelOutput
        ``logits`` of shape (rows, classes).
    labels : Tensor
        Shape (rows,).
    num_items_in_batch : Tensor or int, optional
        Rows of the whole optimizer step; the mean over this batch without it.
    """
    logits = outputs["logits"]
    return _cross_entropy(logits, labels, num_items_in_batch)


def token_loss(
    outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int | None = None
) -> torch.Tensor:
    """Next-token cross-entropy: the sum over supervised tokens, divided by those of the step.

    Parameters
    ----------
    outputs : ModelOutput
        ``logits`` of shape (rows, tokens, vocabulary).
    labels : Tensor
        Shape (rows, tokens); -100 where no loss is taken.
    num_items_in_batch : Tensor or int, optional
        Supervised tokens of the whole optimizer step; the mean over this batch without it.
    """
    logits = outputs["logits"][:, :-1]
    targets = labels[:, 1:]
    return _cross_entropy(logits.flatten(0, 1), targets.flatten(), num_items_in_batch)


def _cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, count: torch.Tensor | int | None
) -> torch.Tensor:
    from torch.nn import functional

    targets = targets.to(logits.device)
    if count is None:
        return functional.cross_entropy(logits.float(), targets)
    total = functional.cross_entropy(logits.float(), targets, reduction="sum")
    return total / (count if isinstance(count, int) else count.to(total.device))


@lru_cache(maxsize=1)
def _trainer_class() -> type[Trainer]:
    """Return the Trainer's subclass; in a function, because importing the Trainer takes seconds."""
    from transformers import Trainer

    class FtTrainer(Trainer):
        """A Trainer that stops on a loss that is no number, and counts what it trains on."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.tally = Tally()

        def compute_loss(
            self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any
        ) -> Any:
            rows = inputs.pop(_ROWS, None)
            if model.training:
                self.tally.add(inputs)
            result = super().compute_loss(model, inputs, *args, **kwargs)
            if model.training:
                self._check(result[0] if isinstance(result, tuple) else result, rows)
            return result

        def _check(self, loss: torch.Tensor, rows: Any) -> None:
            value = float(loss.detach())
            if value - value == 0:  # neither NaN nor infinite
                return
            problem = finding(
                "training.loss_not_finite",
                where=f"step {self.state.global_step + 1}",
                got=value,
                rows=_row_names(rows),
            )
            raise FindingsError([problem])

    return FtTrainer


def _row_names(rows: Any, limit: int = 16) -> str:
    """Return the row numbers of a batch for a message; a packed feature has several."""
    flat: list[Any] = []
    for row in rows or []:
        flat.extend(row if isinstance(row, list | tuple) else [row])
    names = [str(row) for row in flat if row is not None]
    return ", ".join(names[:limit]) + (" …" if len(names) > limit else "") or "?"
