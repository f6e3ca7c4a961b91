"""The validation loss while training: a mean over tokens, or rows, each of them counted once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ft_runtime.tokens.prepared import IGNORED
from ft_runtime.training.step import step_trainer_class

if TYPE_CHECKING:
    import torch
    from transformers import Trainer


@lru_cache(maxsize=1)
def held_out_trainer_class() -> type[Trainer]:
    """Return the Trainer's subclass; in a function, because importing the Trainer takes seconds."""
    base: Any = step_trainer_class()

    class HeldOutTrainer(base):  # type: ignore[misc]
        """A Trainer whose ``eval_loss`` does not depend on how the rows fall into batches.

        transformers takes the mean over the means of batches: the last batch weighs as much as the
        others, however few its rows are, a short row as much as a long one, and of several
        processes' rows those that fill up the last batches count again.
        """

        def evaluation_loop(
            self,
            dataloader: Any,
            description: str,
            prediction_loss_only: bool | None = None,
            ignore_keys: list[str] | None = None,
            metric_key_prefix: str = "eval",
        ) -> Any:
            """Evaluate, and put the mean over all of what was counted into the metrics."""
            self._held_out_losses: list[torch.Tensor] = []
            self._held_out_counts: list[torch.Tensor] = []
            output = super().evaluation_loop(
                dataloader, description, prediction_loss_only, ignore_keys, metric_key_prefix
            )
            total, count = self._all_held_out()
            if count:
                output.metrics[f"{metric_key_prefix}_loss"] = total / count
            return output

        def prediction_step(
            self,
            model: Any,
            inputs: dict[str, Any],
            prediction_loss_only: bool,
            ignore_keys: list[str] | None = None,
        ) -> tuple[Any, Any, Any]:
            """Compute the loss of a batch, and keep its sum."""
            import torch

            if not prediction_loss_only or inputs.get("labels") is None:
                found = super().prediction_step(model, inputs, prediction_loss_only, ignore_keys)
                return tuple(found)  # type: ignore[return-value]
            own = self._own_held_out(len(inputs["labels"]))
            # Somebody without rows computes one: spread weights are gathered by all, or by none.
            kept = {name: value[: max(1, own)] for name, value in inputs.items()}
            kept = self._prepare_inputs(kept)
            labels = kept["labels"]
            rows = labels.dim() == 1
            count = labels.new_tensor(len(labels)) if rows else (labels[:, 1:] != IGNORED).sum()
            with torch.no_grad(), self.compute_loss_context_manager():
                loss = self.compute_loss(model, kept, num_items_in_batch=count.clamp(min=1))
            loss = loss.detach().float()
            if self.args.average_tokens_across_devices:
                loss = loss / self.accelerator.num_processes
            if own:
                self._held_out_losses.append(loss * count)
                self._held_out_counts.append(count)
            return loss, None, None

        def _own_held_out(self, rows: int) -> int:
            """Return how many rows of a batch, its first, no other batch has."""
            state = self.accelerator.gradient_state
            whole = state.remainder <= 0 or not state.end_of_dataloader
            if self.args.world_size == 1 or whole:
                return rows
            before = self.args.process_index * self.args.eval_batch_size
            return min(rows, max(0, state.remainder - before))

        def _all_held_out(self) -> tuple[float, int]:
            """Return the sum of the losses, and what was counted, of all processes."""
            import torch

            total = (
                sum(torch.stack(self._held_out_losses).tolist()) if self._held_out_losses else 0.0
            )
            count = sum(torch.stack(self._held_out_counts).tolist()) if self._held_out_counts else 0
            if self.args.world_size > 1:
                own = torch.tensor([[total, count]], dtype=torch.float64, device=self.args.device)
                total, count = self.accelerator.gather(own).sum(0).tolist()
            return total, int(count)

    return HeldOutTrainer
