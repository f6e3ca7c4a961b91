"""The Trainer's optimizer step, cut by tokens and not by rows."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from ft_runtime import compat
from ft_runtime.tokens.prepared import IGNORED
from ft_runtime.training import segments
from ft_runtime.training.losses import token_loss
from ft_runtime.training.microbatches import Step, cut, length_of, raw_rows, supervised_of
from ft_runtime.training.probe import Way
from ft_runtime.training.shares import SPARE, own_rows, spare_row

if TYPE_CHECKING:
    import torch
    from transformers import Trainer

    from ft_runtime.training.compiled import CompiledLayers


@lru_cache(maxsize=1)
def step_trainer_class() -> type[Trainer]:
    """Return the Trainer's subclass; in a function, because importing the Trainer takes seconds."""
    from transformers import Trainer

    class StepTrainer(Trainer):
        """A Trainer that cuts each optimizer step into micro-batches of a number of tokens.

        The loop, and what it counts, stays transformers': an accumulation slot is one batch of the
        sampler. The last slot of a step trains on the rows of all of them, the earlier ones on
        none.

        Attributes
        ----------
        way : Way
            How the model is trained.
        budget : int
            Tokens of a micro-batch.
        train_collator : callable
            Makes the tensors of a micro-batch.
        compiled : CompiledLayers or None
            What its layers are computed with.
        usual_loss : callable or None
            `compute_loss_func` as it was built; another one, set by hand later, is what counts.
        """

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.data_collator: Any
            self.way = Way()
            self.budget = 0
            self.train_collator: Any = self.data_collator
            self.compiled: CompiledLayers | None = None
            self.usual_loss: Any = self.compute_loss_func
            self._parameters: int | None = None

        def get_train_dataloader(self) -> Any:
            """Return the loader of the training rows, as rows and not as tensors."""
            collator, self.data_collator = self.data_collator, raw_rows
            try:
                return super().get_train_dataloader()
            finally:
                self.data_collator = collator

        def get_batch_samples(
            self, epoch_iterator: Iterator[Any], num_batches: int, device: Any
        ) -> tuple[list[Any], torch.Tensor]:
            """Return the slots of one optimizer step, and its supervised tokens (or rows)."""
            import itertools

            import torch

            batches = list(itertools.islice(epoch_iterator, num_batches))
            rows = [row for batch in batches for row in batch.features]
            own = self._own_rows(batches) if self._filled_up else rows
            count = torch.tensor(sum(map(supervised_of, own)), device=device)
            # A process without rows of its own takes part in the exchange of gradients.
            kept = own or [spare_row(row) for row in rows[:1]]
            step = Step(cut(kept, self.budget, not self.way.packed) if kept else [])
            if self.args.world_size > 1:
                if self.args.average_tokens_across_devices:
                    count = self.accelerator.gather(count).sum()
                if self.divided:
                    self._match_other_processes(step, device)
            if batches and not count:
                self.masked_step(rows)
            slots = [Step() for _ in batches[1:]]
            # A step of masked rows alone has no loss, and nothing to divide it by.
            return [*slots, step] if batches else [], count.clamp(min=1)

        @property
        def _filled_up(self) -> bool:
            """Whether the last batches of an epoch may have rows of other batches."""
            return self.args.world_size > 1 and not self.args.dataloader_drop_last

        def _own_rows(self, batches: list[Any]) -> list[Any]:
            """Return the rows of a step without those that another process trains on, too."""
            args, total = self.args, len(self.train_dataset)
            size, slots = args.per_device_train_batch_size, args.gradient_accumulation_steps
            each = math.ceil(math.ceil(total / size) / args.world_size)
            first = self.state.global_step % math.ceil(each / slots) * slots
            rows = []
            for slot, batch in enumerate(batches, first):
                place = slot * args.world_size + args.process_index
                rows += batch.features[: own_rows(place, size, total)]
            return rows

        def _match_other_processes(self, step: Step, device: Any) -> None:
            """Add micro-batches without loss: sharded weights are gathered by all, or by none."""
            import torch

            there = torch.tensor(len(step.parts), device=device)
            most = int(self.accelerator.gather(there).max())
            spare = spare_row(step.parts[0][0])
            step.parts[:0] = [[spare] for _ in range(most - len(step.parts))]

        def training_step(
            self, model: Any, inputs: Any, num_items_in_batch: Any = None
        ) -> torch.Tensor:
            """Compute the gradient of a slot: of the whole step in its last one."""
            import torch

            if not isinstance(inputs, Step):
                return super().training_step(model, inputs, num_items_in_batch)
            total = torch.zeros((), device=self.args.device)
            losses = []
            for place, part in enumerate(inputs.parts):
                last = place == len(inputs.parts) - 1
                with contextlib.ExitStack() as stack:
                    stack.enter_context(self._synchronised(model, last))
                    batch = stack.enter_context(self._laid_out(part))
                    if self.compiled is not None:
                        stack.enter_context(self.compiled.on())
                    loss = super().training_step(model, batch, num_items_in_batch)
                self.count([row for row in part if SPARE not in row])
                losses.append((loss, part))
                total += loss
            self.check_losses(losses)
            return total

        @contextlib.contextmanager
        def _synchronised(self, model: Any, last: bool) -> Iterator[None]:
            """Let processes exchange gradients after the last micro-batch alone."""
            state = self.accelerator.gradient_state
            before = state.sync_gradients
            state._set_sync_gradients(before and last)
            # To wait with spread gradients is to hold all of them.
            always = state.plugin_kwargs.get("sync_each_batch", False) or self.divided
            try:
                with contextlib.ExitStack() as stack:
                    if not last and not always:
                        stack.enter_context(self.accelerator.no_sync(model=model))
                    yield
            finally:
                state._set_sync_gradients(before)

        @contextlib.contextmanager
        def _laid_out(self, part: list[Any]) -> Iterator[dict[str, Any]]:
            """Give the tensors of a micro-batch, and let the model attend to them as they lie."""
            batch = dict(self.train_collator(part))
            if self.way.maskless:
                batch.pop("attention_mask", None)
            name = self.way.attention
            lengths = None if name is None else [length_of(row) for row in part]
            casting = compat.no_adapter_casts(self.model) if self.half else contextlib.nullcontext()
            with casting, segments.switched(self.model, name), segments.SEGMENTS.of(lengths):
                yield batch

        @property
        def divided(self) -> bool:
            """Whether each process holds a part of the weights, or of what belongs to them."""
            return bool(self.is_fsdp_enabled or self.is_deepspeed_enabled)

        @property
        def half(self) -> bool:
            """Whether matrix products are computed in 16 bits (autocast)."""
            return bool(self.args.bf16 or self.args.fp16)

        def loss_of(self, part: list[Any]) -> float:
            """Return the loss of some rows as they would be trained on, without any gradient."""
            import torch

            with torch.no_grad(), self._laid_out(part) as batch:
                inputs = self._prepare_inputs(batch)
                count = torch.tensor(max(1, sum(map(supervised_of, part))))
                return float(self.compute_loss(self.model, inputs, num_items_in_batch=count))

        def count(self, part: list[Any]) -> None:
            """Count what was trained on; for subclasses."""

        def masked_step(self, rows: list[Any]) -> None:
            """Tell that no row of a step has a token with loss; for subclasses."""

        def check_losses(self, losses: list[tuple[torch.Tensor, list[Any]]]) -> None:
            """Look at the losses of a step, each with its rows; for subclasses."""

        def compute_loss(
            self,
            model: Any,
            inputs: dict[str, Any],
            return_outputs: bool = False,
            num_items_in_batch: Any = None,
        ) -> Any:
            """Return the loss of a batch: its sum, divided by the supervised tokens of the step."""
            logits_wanted = return_outputs and not self.args.prediction_loss_only
            own = self.compute_loss_func is not self.usual_loss
            shared = num_items_in_batch is not None and self.compute_loss_func is None
            if self.way.balanced and shared and not logits_wanted and self.label_smoother is None:
                loss = self._balanced_loss(model, inputs, num_items_in_batch)
                return (loss, {}) if return_outputs else loss
            if self.way.quick is None or own or "labels" not in inputs or logits_wanted:
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            smoothing = self.args.label_smoothing_factor
            total = self.way.quick(model, inputs, smoothing)
            count = num_items_in_batch
            if count is None:
                count = (inputs["labels"][:, 1:] != IGNORED).sum().clamp(min=1)
            loss = total / count
            if self.args.average_tokens_across_devices and num_items_in_batch is not None:
                # The average over processes is taken of their gradients: make it a sum.
                loss = loss * self.accelerator.num_processes
            return (loss, {}) if return_outputs else loss

        def _balanced_loss(self, model: Any, inputs: dict[str, Any], count: Any) -> torch.Tensor:
            """Return the loss of a batch with its share of what the model adds to it.

            The model adds it whole to each micro-batch, however many a step is cut into.
            """
            labels = inputs["labels"]
            loss, outputs = super().compute_loss(model, inputs, True, count)
            tokens = token_loss(outputs, labels, count)
            if self.args.average_tokens_across_devices:
                tokens = tokens * self.accelerator.num_processes
            share = (labels[:, 1:] != IGNORED).sum() / count
            return cast("torch.Tensor", tokens + share.to(tokens.device) * (loss - tokens))

        def floating_point_ops(self, inputs: Any) -> int:
            """Estimate the operations of a slot: six for each token and weight."""
            if not isinstance(inputs, Step):
                return int(super().floating_point_ops(inputs))
            if self._parameters is None:
                count = getattr(self.model, "num_parameters", None)
                self._parameters = int(count(exclude_embeddings=True)) if count else 0
            return 6 * inputs.tokens * self._parameters

        def _track_num_input_tokens(self, inputs: Any) -> None:
            import torch

            if not isinstance(inputs, Step):
                super()._track_num_input_tokens(inputs)
            elif self.args.include_num_input_tokens_seen != "no":
                here = torch.tensor(inputs.tokens, device=self.args.device)
                self.state.num_input_tokens_seen += int(self.accelerator.gather(here).sum())

    return StepTrainer
