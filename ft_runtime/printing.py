"""Showing foreign text inside a sentence without harm to the sentence."""

from __future__ import annotations


def printable(text: str, limit: int = 60) -> str:
    """Return `text` on one line, control characters and half characters escaped, cut to `limit`."""
    cut = text[: limit + 1]
    clean = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in cut
    )
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
