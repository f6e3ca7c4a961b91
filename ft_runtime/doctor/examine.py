"""`examine`: every room of the doctor over one dataset, and what they found as one report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ft_runtime.doctor.alike import find_alike, findings_of
from ft_runtime.doctor.engine import CHECKS
from ft_runtime.doctor.finish import fingerprint
from ft_runtime.doctor.identity import diff, read_record, record
from ft_runtime.doctor.identity.record import FILE, Record
from ft_runtime.doctor.proposal import propose
from ft_runtime.doctor.report.group import group
from ft_runtime.doctor.report.report import Report
from ft_runtime.doctor.splits import examine_split
from ft_runtime.doctor.splits.doctor import FOLDER
from ft_runtime.doctor.statistics import label_table, languages, sample_texts, scripts
from ft_runtime.doctor.statistics.labels import judge_labels
from ft_runtime.doctor.statistics.sample import Sample
from ft_runtime.doctor.survey import Survey, Surveyed, survey
from ft_runtime.findings import Finding, FindingsError

_SAMPLED = 5


@dataclass(frozen=True)
class SplitPlan:
    """How a config splits rows; see ``dataset.split``."""

    strategy: str = "random"
    train: float = 0.9
    val: float = 0.05
    test: float = 0.05
    seed: int = 42

    @property
    def shares(self) -> dict[str, float]:
        """The shares by name."""
        return {"train": self.train, "val": self.val, "test": self.test}


@contextmanager
def examined(
    sources: Any,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    *,
    split: SplitPlan | None = None,
    against: str | None = None,
    checks: Iterable[str] = CHECKS,
    workers: int | None = None,
    folder: str = FOLDER,
) -> Iterator[tuple[Report, Survey]]:
    """Examine a dataset; the survey is there as long as the context, for repairs and splits.

    See `examine` for the parameters.
    """
    begun = time.perf_counter()
    with survey(sources, format, columns, checks, workers) as found:
        report = _report(found, split, folder, "near" in set(checks))
        if against is not None:
            _compare(report, found, against)
        report.seconds = time.perf_counter() - begun
        yield report, found


def examine(
    sources: Any,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    *,
    split: SplitPlan | None = None,
    against: str | None = None,
    checks: Iterable[str] = CHECKS,
    workers: int | None = None,
) -> Report:
    """Tell everything about a dataset that can be told without a model.

    Parameters
    ----------
    sources : path, dataset, list of paths, or mapping of train, val, test to them
        JSON Lines, CSV, TSV, a JSON array, Parquet, Arrow, packed with gzip or zstd or not; a
        ``datasets.Dataset`` or ``DatasetDict``.
    format : str, optional
        A format of the config; found by itself when not given.
    columns : mapping, optional
        ``dataset.columns``.
    split : SplitPlan, optional
        The split of the config, to be tried on the rows; not needed for data that came split.
    against : str, optional
        A data file, a run folder or a record to compare with.
    checks, workers
        See `ft_runtime.doctor.scan`; ``near`` among the checks looks for near duplicates too.

    Returns
    -------
    Report
        Bad input never raises: it is a finding.

    Raises
    ------
    ValueError
        There is no such check.
    """
    with examined(
        sources, format, columns, split=split, against=against, checks=checks, workers=workers
    ) as (report, _):
        return report


def _report(found: Survey, plan: SplitPlan | None, folder: str, alike: bool) -> Report:
    others: list[Finding] = []
    proposals = [made for each in found.files if (made := propose(each)) is not None]
    scans = [each.scan for each in found.files]
    labels = None
    counts: Counter[str] = Counter()
    for scan in scans:
        counts.update(scan.labels)
    if found.format == "csv_classification" and counts:
        labels = label_table(counts)
        others += judge_labels(labels, ", ".join(scan.path for scan in scans[:3]))
    samples = [_sample(each) for each in found.files[:_SAMPLED] if not each.scan.refused]
    texts = [text for sample in samples for text in sample.texts]
    near = None
    if alike and any(scan.fine for scan in scans):
        near = find_alike(found)
        others += findings_of(near, ", ".join(scan.path for scan in scans[:3]))
    members = found.members()
    split = None
    if len(members) and (plan is not None or members.given is not None):
        plan = plan or SplitPlan()
        sorted_by = next((name for sample in samples for name in sample.sorted_by()), "")
        one = found.files[0]
        table = one.scan.container.endswith(("csv", "tsv")) and not one.plain.rewritten
        split = examine_split(
            members,
            plan.strategy,
            plan.shares,
            plan.seed,
            sorted_by=sorted_by,
            folder=folder,
            ending=found.files[0].scan.container.split()[-1] if table else "jsonl",
        )
        others += split.findings
        if members.given is not None:
            # The split doctor says it of the split as a whole, the scan of each pair of files.
            found.findings = [
                item
                for item in found.findings
                if item.code not in ("data.files_share_rows", "data.files_share_prompts")
            ]
    rows = [
        (each.scan.path, each.scan.split, line, item)
        for each in found.files
        for _, line, item in each.row_findings()
    ]
    return Report(
        scans,
        group(found, others),
        rows,
        fingerprint(members.content, len(members)) if len(members) else "",
        labels,
        languages(texts),
        scripts(texts),
        split,
        near=near,
        proposals=proposals,
    )


def _sample(each: Surveyed) -> Sample:
    scan = each.scan
    canonical = {
        "jsonl_chat": ("messages",),
        "jsonl_instr": ("instruction", "input", "output", "system"),
        "jsonl_prompt": ("prompt", "completion"),
        "csv_classification": ("text", "label"),
    }.get(scan.format or "", ())
    used = {scan.columns.get(name, name) for name in canonical}
    kind = "csv" if scan.container.endswith(("csv", "tsv")) else "jsonl"
    try:
        return sample_texts(each.plain.path, kind, used)
    except OSError:
        return Sample()


def compare_runs(folder: str | Path, against: str | Path) -> Report:
    """Tell whether two runs saw the same data, and what changed, from their records alone."""
    report = Report([], [])
    try:
        new = read_record(folder)
        report.fingerprint = new.fingerprint
        report.diff = diff(read_record(against), new)
    except FindingsError as error:
        report.groups = group(Survey(), error.findings)
    return report


def _compare(report: Report, found: Survey, against: str) -> None:
    try:
        old = _old(against, found)
        report.diff = diff(old, record(found))
    except FindingsError as error:
        report.groups[:0] = group(Survey(), error.findings)


def _old(against: str, found: Survey) -> Record:
    path = Path(against)
    if path.is_dir() or path.name == FILE:
        return read_record(path)
    columns = found.files[0].scan.columns if found.files else None
    with survey(against, found.format, columns, {"duplicates"}) as before:
        if before.findings or any(each.scan.refused for each in before.files):
            told = [*before.findings, *(f for e in before.files for f in e.scan.findings)]
            raise FindingsError(told)
        return record(before)
