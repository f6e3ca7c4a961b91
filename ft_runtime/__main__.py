"""``python -m ft_runtime``: see `ft_runtime.cli`."""

from __future__ import annotations

import sys

from ft_runtime.cli import main

sys.exit(main())
