"""Taking away compiled code that nobody uses any more: of other versions of the kernels."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from pathlib import Path

KEPT = 30 * 24 * 3600
"""Seconds after its last use for which code of another version is kept: it may be installed too."""

# The version of the kernels' sources, and the machine; what was named after both at once; and what
# a sweep that was killed has left.
_OURS = re.compile(r"(?P<version>[0-9a-f]{16})(-[0-9a-f]{16})?(?P<swept>\.swept)?")


def used(folder: Path) -> None:
    """Note that what a folder keeps is in use."""
    with contextlib.suppress(OSError):
        os.utime(folder)


def sweep(folder: Path) -> None:
    """Remove what is kept beside a folder, and belongs to versions that are used no more.

    A folder goes under another name first: whoever looks for it finds all of it or nothing. A
    process that has loaded code from it has no more need of it. What has another name than these
    folders have is none of ours, and stays.

    Parameters
    ----------
    folder : Path
        Of the version that is in use: ``version-machine``.
    """
    version = folder.name.partition("-")[0]
    before = time.time() - KEPT
    with contextlib.suppress(OSError):
        # What a sweep has left goes first, as its name may be needed again.
        for other in sorted(folder.parent.iterdir(), key=lambda each: each.suffix, reverse=True):
            found = _OURS.fullmatch(other.name)
            if found is None or other.is_symlink() or not other.is_dir():
                continue
            with contextlib.suppress(OSError):
                if not found["swept"]:
                    if found["version"] == version or other.stat().st_mtime >= before:
                        continue
                    other = other.rename(other.with_name(f"{other.name}.swept"))
                shutil.rmtree(other, ignore_errors=True)
