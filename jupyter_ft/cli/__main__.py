"""``python -m jupyter_ft.cli``, where the command itself is not on the path."""

from __future__ import annotations

import sys

from jupyter_ft.cli import main

sys.exit(main())
