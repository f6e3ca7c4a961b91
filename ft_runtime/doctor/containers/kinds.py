"""Which containers are unpacked before the checks, told by their first bytes."""

from __future__ import annotations

from ft_runtime.doctor.sniff import BOM, recognise

HEAD = 1 << 16
_STREAM = b"\xff\xff\xff\xff"
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


def packed(head: bytes) -> str:
    """Return ``gzip``, ``zstd``, or an empty text."""
    return next((kind for magic, kind in _PACKED.items() if head.startswith(magic)), "")


def kind_of(head: bytes, name: str) -> str:
    """Return ``parquet``, ``arrow``, ``json`` for an array, or ``text`` for anything else."""
    if head.startswith(b"PAR1"):
        return "parquet"
    # The second is the stream form of Arrow, in which the datasets library keeps its files.
    if head.startswith((b"ARROW1", _STREAM)):
        return "arrow"
    text = head.removeprefix(BOM).lstrip()
    if text.startswith(b"[") and recognise(head, name, "") == ("json", None):
        return "json"
    return "text"
