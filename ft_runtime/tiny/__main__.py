"""``python -m ft_runtime.tiny DIR --kind causal``: build a small model in a folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ft_runtime.tiny.build import PRETRAINING_STEPS, build_tiny_model
from ft_runtime.tiny.texts import read_texts


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the model that the command line asks for and print its folder."""
    parser = argparse.ArgumentParser(
        prog="python -m ft_runtime.tiny",
        description="Build a small model with its tokenizer, offline, in seconds.",
    )
    parser.add_argument("directory", type=Path, help="folder of the model; created when missing")
    parser.add_argument("--kind", choices=("causal", "encoder"), default="causal")
    parser.add_argument(
        "--texts",
        type=Path,
        nargs="+",
        help="files whose words the tokenizer shall know (.jsonl, .json, .csv or plain text)",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=PRETRAINING_STEPS, help="training steps")
    asked = parser.parse_args(arguments)
    texts = None
    if asked.texts is not None:
        texts = [text for path in asked.texts for text in read_texts(path)]
    print(build_tiny_model(asked.kind, asked.directory, texts, asked.seed, asked.steps))
    return 0


if __name__ == "__main__":
    sys.exit(main())
