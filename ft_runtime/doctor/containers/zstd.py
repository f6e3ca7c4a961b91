"""Whether a zstd file is whole, told by the sizes that it gives of its own blocks.

`zstandard` reads what there is of a file that is cut short, and says nothing. The layout of frames
and blocks: RFC 8878, section 3.1.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

_FRAME, _SKIPPED = 0xFD2FB528, 0x184D2A50
_DICTIONARY, _CONTENT = (0, 1, 2, 4), (0, 2, 4, 8)
_RLE = 1


def cut_short(path: Path) -> bool:
    """Return whether a file ends inside a frame; what is no frame at all is left to the reader."""
    size = path.stat().st_size
    with open(path, "rb") as stream:
        while stream.tell() < size:
            if size - stream.tell() < 4:
                return True
            magic = _number(stream, 4)
            if magic & ~0xF == _SKIPPED:
                length = _number(stream, 4)
                stream.seek(length, os.SEEK_CUR)
            elif magic == _FRAME:
                _pass_frame(stream, size)
            else:
                return False
        return stream.tell() > size


def _pass_frame(stream: BinaryIO, size: int) -> None:
    """Go to the end of a frame, or behind the end of the file where the frame is cut."""
    head = _number(stream, 1)
    alone, checked = head >> 5 & 1, head >> 2 & 1
    content = 1 if alone and head >> 6 == 0 else _CONTENT[head >> 6]
    stream.seek((1 - alone) + _DICTIONARY[head & 3] + content, os.SEEK_CUR)
    last = 0
    while not last and stream.tell() < size:
        block = _number(stream, 3)
        last = block & 1
        stream.seek(1 if block >> 1 & 3 == _RLE else block >> 3, os.SEEK_CUR)
    if checked:
        stream.seek(4, os.SEEK_CUR)
    if not last:
        stream.seek(size + 1)


def _number(stream: BinaryIO, count: int) -> int:
    """Read a number; where its bytes are missing, go on as if they were there."""
    raw = stream.read(count)
    stream.seek(count - len(raw), os.SEEK_CUR)
    return int.from_bytes(raw, "little")
