"""What training needs in memory, and no more of torch and transformers than that.

See `ft_runtime.standins` for how; what is left out is in `ft_runtime.uncompiled` and here.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ft_runtime import uncompiled
from ft_runtime.standins import AbsentClass, StandIn, absent

SWITCH = "FT_LEAN"
"""Environment variable: ``off`` lets everything be imported as it comes."""


@contextmanager
def lean() -> Iterator[None]:
    """Keep parts of torch that nobody uses from being imported for nothing while a block lasts."""
    there = "torch" in sys.modules or importlib.util.find_spec("torch") is not None
    if not there or os.environ.get(SWITCH, "").lower() == "off":
        yield
        return
    with absent(*uncompiled.STAND_INS, *_SHARDING):
        yield


_FSDP = "torch.distributed.fsdp"
_CLASSES = {
    _FSDP: ("FullyShardedDataParallel", "CPUOffloadPolicy", "MixedPrecisionPolicy"),
    f"{_FSDP}.fully_sharded_data_parallel": ("FullyShardedDataParallel",),
    "torch.distributed._composable.fsdp": ("fully_shard",),
    "torch.distributed.checkpoint.hf_storage": (
        "HuggingFaceStorageReader",
        "HuggingFaceStorageWriter",
    ),
}
"""What is called, or looked for among models, when a model is spread over several processes."""
_SHARDING = [
    StandIn(module, {name: AbsentClass(module, name) for name in names})
    for module, names in _CLASSES.items()
]
