"""`build_trainer`: transformers' Trainer, with an exact loss and a watch on it."""

from __future__ import annotations

import math
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime import processes
from ft_runtime.evaluation.state import is_adapter
from ft_runtime.findings import FindingsError, finding, notify, raise_for_errors, text
from ft_runtime.lean import lean
from ft_runtime.training import partitions, sharding, whole, zero
from ft_runtime.training.alarm import Alarm
from ft_runtime.training.callbacks import run_callback_class
from ft_runtime.training.held_out import held_out_trainer_class
from ft_runtime.training.losses import row_loss, token_loss
from ft_runtime.training.microbatches import automatic_budget, length_of, supervised_of
from ft_runtime.training.parallel import check_parallel, uses_all_weights
from ft_runtime.training.probe import Way, find_way
from ft_runtime.training.progress import show_progress
from ft_runtime.training.scaler import scaler_callback_class
from ft_runtime.training.schedule import complete_schedule, total_steps
from ft_runtime.training.tally import Tally

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer, TrainingArguments

    from ft_runtime.config import Config
    from ft_runtime.runs import Run
    from ft_runtime.tokens import PreparedData


@lean()
def build_trainer(
    config: Config,
    model: PreTrainedModel,
    args: TrainingArguments,
    tokenizer: PreTrainedTokenizerBase,
    data: PreparedData,
    run: Run,
) -> Trainer:
    """Put model, data and arguments together in a `transformers.Trainer`.

    It differs from a plain one in four things: inside of an optimizer step the rows are cut into
    micro-batches by tokens, and packed where the model keeps packed rows apart; the loss of the
    step is the mean over all its supervised tokens (or rows), for every architecture, and is taken
    without holding the logits of all tokens; a loss that is NaN or infinite stops the training
    before it reaches the weights; events, metrics and verified checkpoints are written to the run
    folder.

    Raises
    ------
    FindingsError
        ``training.no_rows``, ``training.scheduler_needs_val``, ``training.scheduler_options``, and
        ``tokens.packing_leaks`` for an architecture that does not keep packed rows apart.
    """
    from ft_runtime.tokens.collate import CausalCollator, PackedCollator, collator_for

    check_parallel(args)
    if args.ddp_find_unused_parameters is None and uses_all_weights(model):
        args.ddp_find_unused_parameters = False
    rows = len(data.train)
    if rows == 0:
        raise FindingsError([finding("training.no_rows", where="dataset.split")])
    val = data.val if data.val is not None and len(data.val) else None
    if val is None:
        args.eval_strategy = type(args.eval_strategy)("no")
    else:
        val = val.select(range(min(len(val), config.eval.max_rows)))
    way = _way(config, model, args)
    complete_schedule(args, total_steps(args, rows), val is not None)
    collator = collator_for(config, tokenizer)
    trainer = _trainer_class()(
        model=model,
        args=args,
        data_collator=collator,
        train_dataset=data.train,
        eval_dataset=val,
        processing_class=tokenizer,
        compute_loss_func=partial(row_loss, smoothing=args.label_smoothing_factor)
        if config.task == "classification"
        else None,
        callbacks=[run_callback_class()(run)],
    )
    if config.task != "classification" and not trainer.model_accepts_loss_kwargs:
        # An older architecture takes the mean of each batch by itself; then the mean over a step
        # would weigh short batches too much.
        trainer.compute_loss_func = partial(token_loss, smoothing=args.label_smoothing_factor)
    trainer.usual_loss = trainer.compute_loss_func
    trainer.way = way
    trainer.budget = token_budget(config, args)
    sharding.prepare(trainer, config)
    zero.prepare(trainer, config)
    trainer.train_collator = PackedCollator(way.attention) if way.packed else collator
    if isinstance(collator, PackedCollator):
        # Of validation rows no step is made: they are padded, and computed as at any other time.
        trainer.data_collator = CausalCollator(_pad_id(tokenizer))
    if args.fp16:
        trainer.add_callback(scaler_callback_class()(trainer))
    show_progress(trainer, lambda: processes.count() * int(trainer.tally.to_dict()["tokens"]))
    return trainer


def token_budget(config: Config, args: TrainingArguments) -> int:
    """Return the tokens of a micro-batch: the config's, or what suits the device."""
    asked = config.hyperparams.tokens_per_batch
    if asked != "auto":
        return int(asked)
    rows, longest = args.per_device_train_batch_size, config.hyperparams.max_seq_len
    return automatic_budget(args.device.type, rows, longest)


def _way(config: Config, model: PreTrainedModel, args: TrainingArguments) -> Way:
    """Return how the model is trained, having asked it; tells what was wanted and cannot be."""
    if config.task == "classification":
        return Way()
    hyper = config.hyperparams
    packing = hyper.packing
    noisy = packing == "auto" and args.neftune_noise_alpha is not None
    half = args.bf16 or args.fp16
    # A model that is to be spread over GPUs is asked where it lies.
    spread = args.fsdp or args.deepspeed or processes.sharding_asked()
    device = "cpu" if spread else args.device.type
    way = find_way(model, False if noisy else packing, hyper.max_seq_len, device, half)
    if noisy:
        # The noise is scaled by the length of what it is added to.
        reason = text("training.noise")
        way.findings.append(finding("training.not_packed", "hyperparams.packing", reason=reason))
    raise_for_errors(way.findings)
    notify(*way.findings)
    return way


def _pad_id(tokenizer: PreTrainedTokenizerBase) -> int:
    return 0 if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id)


@lru_cache(maxsize=1)
def _trainer_class() -> type[Trainer]:
    """Return the Trainer's subclass; in a function, because importing the Trainer takes seconds."""
    base: Any = held_out_trainer_class()

    class FtTrainer(base):  # type: ignore[misc]
        """A Trainer that stops on a loss that is no number, and counts what it trains on."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.tally = Tally()
            self.alarm = Alarm()
            self._told_masked = False
            self.skeleton: whole.Skeleton | None = None
            self._gathered: whole.Gathered | None = None

        def count(self, part: list[Any]) -> None:
            self.tally.add(sum(map(length_of, part)), sum(map(supervised_of, part)))

        def check_losses(self, losses: list[tuple[torch.Tensor, list[Any]]]) -> None:
            import torch

            # Read together: a GPU waits once a step, and not for each micro-batch.
            values = torch.stack([loss for loss, _ in losses]).tolist() if losses else []
            for value, (_, part) in zip(values, losses, strict=True):
                if value - value != 0:  # NaN or infinite
                    self._stop(value, part)
                    return

        def masked_step(self, rows: list[Any]) -> None:
            if not self._told_masked:
                self._told_masked = True
                where = f"step {self.state.global_step + 1}"
                names = _row_names([row.get("row") for row in rows])
                notify(finding("training.masked_step", where=where, rows=names))

        def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
            # One process writes most of it: the others must not go on when it cannot. What takes
            # all of them is done before.
            if sharding.is_sharded(self):
                self._gathered = whole.gather(self, is_adapter(self.model))
            try:
                with processes.agreeing():
                    super()._save_checkpoint(*args, **kwargs)
            finally:
                self._gathered = None

        def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
            if self._gathered is None:
                super().save_model(output_dir, _internal_call)
            elif self.args.should_save:
                # transformers empties what it writes.
                self._save(output_dir, state_dict=dict(self._gathered.weights))

        def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
            if self._gathered is None:
                super()._save_optimizer_and_scheduler(output_dir)
            elif self.is_deepspeed_enabled:
                partitions.write(self, Path(output_dir))
            elif self.args.should_save:
                whole.write(self._gathered, self.lr_scheduler.state_dict(), Path(output_dir))

        def _prepare_for_training(self, *args: Any, **kwargs: Any) -> Any:
            divided = self.is_deepspeed_enabled
            prepare = self._divide if divided else super()._prepare_for_training
            return prepare(*args, **kwargs)

        def _divide(
            self, max_steps: int, train_dataloader: Any, resume_from_checkpoint: str | None
        ) -> tuple[Any, Any]:
            if resume_from_checkpoint is not None:
                # Before they are divided: a checkpoint has them whole.
                self._load_from_checkpoint(resume_from_checkpoint)
            partitions.divide(self, max_steps)
            model, loader = super()._prepare_for_training(max_steps, train_dataloader, None)
            if resume_from_checkpoint is not None:
                partitions.load(self, Path(resume_from_checkpoint))
            self.accelerator.deepspeed_engine_wrapped = partitions.Steps(model, self.alarm.agree)
            return model, loader

        def compute_loss_context_manager(self) -> Any:
            import torch

            stack = super().compute_loss_context_manager()
            if self.is_deepspeed_enabled and self.args.bf16:
                # accelerate leaves it to DeepSpeed, which would leave out the validation loss.
                stack.enter_context(torch.autocast(self.args.device.type, torch.bfloat16))
            return stack

        def _stop(self, value: float, part: list[Any]) -> None:
            # Row by row: of a micro-batch, one may be to blame. One process alone cannot ask a
            # model that is spread over several.
            asked = [] if sharding.is_sharded(self) else part
            wrong = [row for row in asked if not math.isfinite(self.loss_of([row]))]
            problem = finding(
                "training.loss_not_finite",
                where=f"step {self.state.global_step + 1}",
                got=value,
                rows=_row_names([row.get("row") for row in wrong or part]),
            )
            self.alarm.ring(problem)

    return FtTrainer


def _row_names(rows: list[Any], limit: int = 16) -> str:
    """Return row numbers for a message."""
    names = [str(row) for row in rows if row is not None]
    return ", ".join(names[:limit]) + (" …" if len(names) > limit else "") or "?"
