"""Writes the example of ``docs/data-doctor.md`` anew: what the command prints for its rows.

``python docs/make_doctor_example.py`` (or ``make reference``). A test fails when the page shows
something else.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).parent / "data-doctor.md"
_COMMAND = "$ python -m ft_runtime check support.jsonl --near\n"
_SECONDS = re.compile(r"(?<=findings\. )\d+\.\d+(?= s)")


def with_example(page: str) -> str:
    """Return the page with what the command prints now for the rows in it."""
    rows = page.partition("```jsonl\n")[2].partition("```")[0]
    before, _, rest = page.partition(_COMMAND)
    return before + _COMMAND + _printed(rows) + "```" + rest.partition("```")[2]


def _printed(rows: str) -> str:
    """Return what a terminal of 24 lines shows: standard output and error as they come."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "support.jsonl").write_text(rows, encoding="utf-8", newline="\n")
        done = subprocess.run(
            [sys.executable, "-m", "ft_runtime", *_COMMAND.split()[4:]],
            cwd=folder,
            env={
                **os.environ,
                "LINES": "24",
                "COLUMNS": "100",
                "FT_LANG": "en",
                "PYTHONIOENCODING": "utf-8",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
    return _SECONDS.sub("0.1", done.stdout)


def main() -> None:
    """Write the page."""
    PAGE.write_text(with_example(PAGE.read_text("utf-8")), encoding="utf-8", newline="\n")
    print(PAGE.name)


if __name__ == "__main__":
    main()
