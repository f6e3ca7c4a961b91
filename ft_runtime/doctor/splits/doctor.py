"""What is wrong with a split, and which one to use in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ft_runtime.data.places import quoted
from ft_runtime.doctor.splits.groups import also_in
from ft_runtime.doctor.splits.sides import SIDES, Members, assign, safe_sides
from ft_runtime.findings import Finding, finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = "splits"
"""Where the hint suggests to write a safe split."""


@dataclass
class SplitReport:
    """A split and what is to be said about it.

    Attributes
    ----------
    strategy : str
        ``given`` when the data came split.
    sizes : dict of str to int
    shared_rows, shared_prompts : int
        Held-out rows that training has too, whole or with their prompt alone.
    near_rows : int
        Held-out rows that nearly repeat a training row; 0 where that was not looked for.
    sorted_by : str
        What the rows are sorted by; empty when by nothing.
    findings : list of Finding
    proposal : str
        YAML to paste; empty when the split is safe as it is.
    proposed : {"", "random", "stratified", "files"}
        ``files``: the proposal needs the files that `write_splits` makes.
    """

    strategy: str
    sizes: dict[str, int]
    shared_rows: int = 0
    shared_prompts: int = 0
    near_rows: int = 0
    sorted_by: str = ""
    findings: list[Finding] = field(default_factory=list)
    proposal: str = ""
    proposed: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON; findings are told elsewhere."""
        return {name: value for name, value in vars(self).items() if name != "findings"}


def examine_split(
    rows: Members,
    strategy: str,
    shares: Mapping[str, float],
    seed: int,
    *,
    sorted_by: str = "",
    folder: str = FOLDER,
    ending: str = "jsonl",
) -> SplitReport:
    """Try a split on the rows, and propose a safe one if it is not.

    Parameters
    ----------
    rows : Members
    strategy : {"random", "stratified", "tail"}
        Of the config; not used where the data came split.
    shares : mapping
        ``train``, ``val``, ``test``.
    seed : int
    sorted_by : str
        A column by which the file is sorted, found elsewhere.
    folder, ending : str
        Of the files in a proposal.
    """
    given = rows.given is not None
    sides = rows.given if rows.given is not None else assign(rows, strategy, shares, seed)
    report = _report(rows, sides, "given" if given else strategy)
    by_label = _sorted_by_label(rows)
    report.sorted_by = "label" if by_label else sorted_by
    held = report.sizes["val"] + report.sizes["test"]
    where = "dataset.path" if given else "dataset.split"
    trouble = _troubles(report, rows, sides, where)
    if not given and strategy == "tail" and report.sorted_by and held:
        code = "data.tail_of_sorted"
        trouble.append(finding(code, f"{where}.strategy", column=report.sorted_by))
    report.findings += trouble
    if not trouble:
        return report
    _propose(report, rows, shares, seed, folder, ending)
    return report


def _report(rows: Members, sides: NDArray[Any], strategy: str) -> SplitReport:
    import numpy as np

    sizes = {name: int(np.count_nonzero(sides == i)) for i, name in enumerate(SIDES)}
    content, prompt = leaks(rows, sides)
    both = int(np.count_nonzero(content))
    made = SplitReport(strategy, sizes, both, int(np.count_nonzero(prompt & ~content)))
    if rows.near is not None:
        close = also_in(rows.near, sides > 0)
        made.near_rows = int(np.count_nonzero(close & ~content & ~prompt))
    return made


def leaks(rows: Members, sides: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return which held-out rows training has too, whole and by their prompts."""
    return also_in(rows.content, sides > 0), also_in(rows.prompt, sides > 0)


def _troubles(report: SplitReport, rows: Members, sides: NDArray[Any], where: str) -> list[Finding]:
    """Return what makes the split unsafe."""
    held = report.sizes["val"] + report.sizes["test"]
    found = []
    if held and report.shared_rows:
        found.append(finding("data.split_overlap", where, count=report.shared_rows, total=held))
    if held and report.shared_prompts:
        found.append(finding("data.prompt_overlap", where, count=report.shared_prompts, total=held))
    if held and report.near_rows:
        values = {"count": report.near_rows, "total": held}
        found.append(finding("data.split_nears", where, **values))
    if rows.label is not None and held:
        found += _classes(rows, sides, where, report.strategy)
    return found


def _classes(rows: Members, sides: NDArray[Any], where: str, strategy: str) -> list[Finding]:
    import numpy as np

    assert rows.label is not None
    known = set(np.unique(rows.label[sides == 0]).tolist())
    tested = set(np.unique(rows.label[sides > 0]).tolist())
    found = []
    if unseen := sorted(rows.names[i] for i in tested - known):
        rest = int(np.count_nonzero(np.isin(rows.label, list(tested - known)) & (sides > 0)))
        values = {"count": rest, "total": int(np.count_nonzero(sides > 0)), "classes": len(unseen)}
        found.append(finding("data.unseen_labels", where, labels=quoted(unseen), **values))
    counts = np.bincount(rows.label, minlength=len(rows.names))
    # A class of a few rows may be missing by chance; a class of many is missing by design.
    untested = sorted(rows.names[i] for i in known - tested if counts[i] >= 5)
    if untested and strategy != "stratified":
        code = "data.classes_untested"
        found.append(finding(code, where, count=len(untested), labels=quoted(untested)))
    return found


def _propose(
    report: SplitReport,
    rows: Members,
    shares: Mapping[str, float],
    seed: int,
    folder: str,
    ending: str,
) -> None:
    better = "random" if rows.label is None else "stratified"
    if report.strategy not in ("given", better):
        sides = assign(rows, better, shares, seed)
        trial = _report(rows, sides, better)
        if not _troubles(trial, rows, sides, ""):
            report.proposed = better
            report.proposal = _yaml_strategy(better, shares)
            return
    report.proposed = "files"
    sides = safe_sides(rows, shares, seed)
    used = [name for i, name in enumerate(SIDES) if (sides == i).any()]
    if used == ["train"]:  # all rows are of one group: no split is safe
        report.proposed = ""
        where = "dataset.path" if report.strategy == "given" else "dataset.split"
        report.findings.append(finding("data.no_safe_split", where))
        return
    lines = ["dataset:", "  path:"]
    lines += [f"    {name}: {json.dumps(f'{folder}/{name}.{ending}')}" for name in used]
    report.proposal = "\n".join(lines)


def _yaml_strategy(strategy: str, shares: Mapping[str, float]) -> str:
    parts = [f"{name}: {shares[name]:g}" for name in SIDES]
    return f"dataset:\n  split: {{{', '.join(parts)}, strategy: {strategy}}}"


def _sorted_by_label(rows: Members) -> bool:
    """Tell whether all rows of a class stand together, in a file with several classes."""
    import numpy as np

    if rows.label is None or len(rows) < 4:
        return False
    runs = 1 + int(np.count_nonzero(np.diff(rows.label)))
    return 1 < runs == np.unique(rows.label).size < len(rows)
