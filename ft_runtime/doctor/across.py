"""What several files have in common: rows and prompts that leak from one split into another."""

from __future__ import annotations

from itertools import combinations

from ft_runtime.doctor.duplicates import shared
from ft_runtime.doctor.finish import line_of
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.result import FileScan
from ft_runtime.findings import Finding, finding


def compare_splits(files: list[FileScan], parts: list[Part]) -> list[Finding]:
    """Return a finding for each pair of files that share rows, or prompts with other answers."""
    found = []
    for (one, first), (other, second) in combinations(zip(files, parts, strict=True), 2):
        if not (len(first.content) and len(second.content)):
            continue
        same, rows = shared(first.content.array, second.content.array)
        asked, prompts = shared(first.prompt.array, second.prompt.array)
        names = {"one": one.split or one.path, "other": other.split or other.path}
        if same:
            lines = ", ".join(str(line_of(other, second, row)) for row in rows[:5])
            found.append(
                finding("data.files_share_rows", other.path, count=same, lines=lines, **names)
            )
        if asked > same:
            lines = ", ".join(
                str(line_of(other, second, row)) for row in prompts if row not in set(rows)
            )
            found.append(
                finding(
                    "data.files_share_prompts", other.path, count=asked - same, lines=lines, **names
                )
            )
    return found


def judge_classes(files: list[FileScan]) -> list[Finding]:
    """Judge the classes of several files together: a part may have one alone, the whole may not.

    Takes what was said of a file back, and returns what is to be said of all.
    """
    fine = [each for each in files if each.fine]
    if len(files) < 2 or {each.format for each in fine} != {"csv_classification"}:
        return []
    for each in fine:
        each.findings = [item for item in each.findings if item.code != "data.one_class"]
    labels = list(dict.fromkeys(label for each in fine for label in each.labels))
    if len(labels) > 1:
        return []
    where = ", ".join(each.path for each in fine[:3])
    count = sum(each.fine for each in fine)
    return [finding("data.one_class", where, count=count, label=repr(labels[0]))]
