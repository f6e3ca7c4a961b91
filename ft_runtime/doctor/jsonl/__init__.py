"""JSON Lines: a fast path that accepts plain rows in bulk, a slow one that explains a row."""
