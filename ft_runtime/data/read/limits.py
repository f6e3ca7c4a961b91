"""How much is read at most; module attributes, so that a test or a program can set them."""

LINE_BYTES = 64 << 20
"""Longest line, and longest CSV record, in bytes; a longer one is a row that cannot be used."""
JUDGED_ROWS = 1000
"""When more than half of so many first rows cannot be read, the file is refused as a whole."""
