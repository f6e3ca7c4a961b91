"""Training: plain transformers objects, with checkpoints that can be trusted and a clean stop."""

from __future__ import annotations

from ft_runtime.training.arguments import training_arguments
from ft_runtime.training.loop import train
from ft_runtime.training.result import TrainingPaused, TrainResult
from ft_runtime.training.trainer import build_trainer

__all__ = ["TrainResult", "TrainingPaused", "build_trainer", "train", "training_arguments"]
