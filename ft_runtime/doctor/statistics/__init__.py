"""What the fine rows are like: labels and their balance, scripts and languages, lengths."""

from __future__ import annotations

from ft_runtime.doctor.statistics.labels import LabelTable, label_table
from ft_runtime.doctor.statistics.sample import Sample, sample_texts
from ft_runtime.doctor.statistics.scripts import languages, scripts

__all__ = ["LabelTable", "Sample", "label_table", "languages", "sample_texts", "scripts"]
