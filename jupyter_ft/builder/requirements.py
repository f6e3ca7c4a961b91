"""What a notebook needs installed: the oldest versions that work, and the versions that we add.

Lower bounds and grouping are those of ft-runtime's own project file; a test keeps them equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ft_runtime.config import Config


@dataclass(frozen=True)
class Requirement:
    """One distribution.

    Attributes
    ----------
    name : str
        Name on the index.
    bounds : str
        What ft-runtime accepts, as in ``Requires-Dist``.
    pin : str
        What the install cell adds when there is none.
    extra : str
        Extra of ft-runtime that asks for it; empty for the core.
    needed : callable
        Tells whether a notebook of this config imports it, and nothing else brings it.
    """

    name: str
    bounds: str
    pin: str
    extra: str
    needed: Callable[[Config], bool]

    @property
    def oldest(self) -> str:
        """The oldest version that works."""
        return self.bounds.split(",")[0].removeprefix(">=")


def _always(_: Config) -> bool:
    return True


def _by_another(_: Config) -> bool:
    return False


def _never(_: Config) -> bool:
    """Without it everything works, and takes longer."""
    return False


def _adapter(config: Config) -> bool:
    return config.tune_type != "full"


def _bitsandbytes(config: Config) -> bool:
    optimizer = config.hyperparams.optimizer
    return config.tune_type == "qlora" or "bnb" in optimizer or optimizer.startswith("paged")


def _metric(*names: str) -> Callable[[Config], bool]:
    return lambda config: bool(set(names) & set(config.eval.metrics))


def _labels(config: Config) -> bool:
    return config.task == "classification"


def _tensorboard(config: Config) -> bool:
    return config.logs == "tensorboard"


REQUIREMENTS = (
    Requirement("torch", ">=2.7", "2.13.0", "train", _always),
    Requirement("transformers", ">=5.15,<6", "5.23.0", "train", _always),
    Requirement("accelerate", ">=1.14", "1.15.0", "train", _always),
    Requirement("datasets", ">=4.0", "5.2.0", "train", _always),
    Requirement("peft", ">=0.20", "0.21.2", "train", _adapter),
    Requirement("bitsandbytes", ">=0.49", "0.50.2", "qlora", _bitsandbytes),
    Requirement("rouge-score", ">=0.1.2", "0.1.2", "train", _metric("rouge")),
    Requirement("sacrebleu", ">=2.5", "2.6.0", "train", _metric("bleu")),
    Requirement("scikit-learn", ">=1.6", "1.9.1", "train", _labels),
    Requirement("tensorboard", ">=2.19", "2.21.0", "train", _tensorboard),
    Requirement("safetensors", ">=0.5", "0.8.0", "train", _by_another),
    Requirement("numpy", ">=2.0", "2.4.6", "", _by_another),
    Requirement("jsonschema", ">=4.18", "4.26.0", "", _always),
    Requirement("msgspec", ">=0.19", "0.22.0", "", _always),
    Requirement("orjson", ">=3.10", "3.13.0", "", _always),
    Requirement("PyYAML", ">=6.0", "6.0.3", "", _always),
    Requirement("xxhash", ">=3.4", "4.1.0", "", _always),
    Requirement("numba", ">=0.61", "0.68.1", "fast", _never),
)
"""In the order in which the install cell lists them."""


def needed_packages(config: Config) -> dict[str, list[str]]:
    """Return what a notebook of this config needs: name -> [oldest version, version to add]."""
    return {item.name: [item.oldest, item.pin] for item in REQUIREMENTS if item.needed(config)}


def metadata_lines() -> list[str]:
    """Return the ``Requires-Dist`` and ``Provides-Extra`` lines of ft-runtime's wheel."""
    extras = sorted({item.extra for item in REQUIREMENTS if item.extra})
    lines = [f"Provides-Extra: {extra}" for extra in extras]
    for item in sorted(REQUIREMENTS, key=lambda item: (item.extra, item.name.lower())):
        condition = f"; extra == '{item.extra}'" if item.extra else ""
        lines.append(f"Requires-Dist: {item.name}{item.bounds}{condition}")
    return lines
