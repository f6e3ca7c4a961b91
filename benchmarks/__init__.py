"""Measurements against other trainers; see docs/benchmarks.md."""
