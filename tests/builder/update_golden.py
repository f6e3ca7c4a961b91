"""Write the golden notebooks anew: ``python tests/builder/update_golden.py``, then review the diff."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from test_same_bytes import CONFIGS, GOLDEN, golden_source  # noqa: E402

GOLDEN.mkdir(exist_ok=True)
for name in CONFIGS:
    (GOLDEN / f"{name}.txt").write_text(golden_source(name), encoding="utf-8")
    print(GOLDEN / f"{name}.txt")
