"""How much is read at most; module attributes, so that a test or a program can set them."""

LINE_BYTES = 64 << 20
"""Longest line, and longest CSV record, in bytes."""
ARRAY_BYTES = 512 << 20
"""Largest JSON array in bytes: it is parsed from memory, where JSON Lines are read line by line."""
HEAD_BYTES = 64 << 10
"""How much of a file is looked at to tell what it is."""
JUDGED_ROWS = 1000
"""When more than half of so many first rows cannot be read, the file is refused as a whole."""
