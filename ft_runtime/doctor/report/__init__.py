"""What the doctor tells: a summary for the terminal, JSON, a CSV of findings, a small HTML page."""

from __future__ import annotations

from ft_runtime.doctor.report.group import Group, group
from ft_runtime.doctor.report.page import to_html
from ft_runtime.doctor.report.report import Report
from ft_runtime.doctor.report.summary import to_text
from ft_runtime.doctor.report.table import write_csv

__all__ = ["Group", "Report", "group", "to_html", "to_text", "write_csv"]
