"""Evaluation: base and tuned on the same held-out rows, and what the difference is worth."""
