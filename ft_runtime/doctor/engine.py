"""`scan`: one pass over data files that tells what they hold and everything that is wrong."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ft_runtime.data.columns import diagnose
from ft_runtime.data.detect import mapping_yaml
from ft_runtime.data.formats import FORMATS
from ft_runtime.doctor import kernels
from ft_runtime.doctor import pool as pools
from ft_runtime.doctor.across import compare_splits, judge_classes
from ft_runtime.doctor.csv.start import count_quotes
from ft_runtime.doctor.finish import finish
from ft_runtime.doctor.head import Detection, detect_open
from ft_runtime.doctor.opening import State, opened, read_at, show
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.result import FileScan, Scan
from ft_runtime.doctor.task import Task, run_task
from ft_runtime.findings import FindingsError, errors, finding

CHECKS = frozenset({"secrets", "text", "duplicates", "sha256"})
MORE = frozenset({"phone", "near"})
"""Checks that are made where they are asked for; ``near`` by `examine`, which reads texts twice."""
BLOCK = 3 << 20
LIMIT = 64 << 20
_RANGE = 32 << 20

Paths = str | Path | Iterable[str | Path] | Mapping[str, str | Path]


@dataclass(frozen=True)
class Options:
    """How a scan is done; see `scan`. `kind` is what the rows were written in, if not in this."""

    format: str | None = None
    columns: dict[str, str] | None = None
    checks: frozenset[str] = CHECKS
    workers: int | None = None
    block: int = BLOCK
    limit: int = LIMIT
    span: int = _RANGE
    kind: str = ""


def scan(
    paths: Paths,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    checks: Iterable[str] = CHECKS,
    workers: int | None = None,
    *,
    block: int = BLOCK,
    limit: int = LIMIT,
    span: int = _RANGE,
) -> Scan:
    """Check every row of some data files, in one pass and in constant memory.

    Parameters
    ----------
    paths : path, list of paths, or mapping of split to path
        JSON Lines, CSV or TSV files. With several, leaks between them are looked for.
    format : str, optional
        ``jsonl_chat``, ``jsonl_instr``, ``jsonl_prompt`` or ``csv_classification`` (the last also
        for JSON Lines with text and label); detected when not given.
    columns : mapping, optional
        Canonical name to name in the file, as in ``dataset.columns``.
    checks : iterable of str
        ``secrets`` (keys and personal data), ``phone`` (telephone numbers of any form; not in
        the default), ``text`` (placeholders, special tokens, separators), ``duplicates`` (and
        leaks), ``sha256``.
    workers : int, optional
        Processes; by default as many as the size and the cores justify. Workers that are spawned
        import the main module, as always with `multiprocessing`.
    block, limit, span : int
        Bytes read at once, longest line looked at, bytes a task.

    Returns
    -------
    Scan
        Bad input never raises: a file that cannot be read has ``refused`` set and a finding.

    Raises
    ------
    ValueError
        There is no such check, or it is ``near``.
    """
    known_checks(checks := frozenset(checks), CHECKS | MORE - {"near"})
    begun = time.perf_counter()
    given = _named(paths)
    options = Options(format, dict(columns or {}), frozenset(checks), workers, block, limit, span)
    sizes = [size_of(path) for _, path in given]
    count = workers if workers is not None else pools.default_workers(max(sizes, default=0))
    result, numbers = Scan(), []
    with pools.pool(count) as executor:
        for split, path in given:
            one, part = scan_file(path, split, options, executor, count)
            result.files.append(one)
            numbers.append(part if len(given) > 1 else None)
    if "duplicates" in options.checks and len(given) > 1:
        result.findings += compare_splits(result.files, [part or Part() for part in numbers])
    result.findings += judge_classes(result.files)
    result.seconds = time.perf_counter() - begun
    return result


def known_checks(checks: frozenset[str], known: frozenset[str] = CHECKS | MORE) -> None:
    """Refuse a check that nobody makes: a word mistyped would pass for data without faults.

    Raises
    ------
    ValueError
    """
    if unknown := sorted(checks - known):
        near = "; examine() looks for near duplicates" if "near" in unknown else ""
        raise ValueError(
            f"no such check: {', '.join(unknown)} (of {', '.join(sorted(known))}){near}"
        )


def _named(paths: Paths) -> list[tuple[str, str]]:
    if isinstance(paths, str | Path):
        return [("", os.fspath(paths))]
    if isinstance(paths, Mapping):
        return [(split, os.fspath(path)) for split, path in paths.items()]
    return [("", os.fspath(path)) for path in paths]


def size_of(path: str) -> int:
    """Return the bytes of a file; 0 when it cannot be had."""
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return 0


def scan_file(
    path: str, split: str, options: Options, executor: ProcessPoolExecutor | None, workers: int
) -> tuple[FileScan, Part]:
    """Scan one file; the numbers of its rows come with the result."""
    result = FileScan(show(path), split)
    try:
        with opened(path) as handle:
            state = State.of(handle)
            result.bytes = state.size
            found = detect_open(handle, state.size, path, options.columns)
            result.findings += found.findings
            if found.dialect and options.format not in (None, "csv_classification"):
                for item in found.dialect.column_findings:  # of text and label
                    result.findings.remove(item)
            result.container, result.shape = found.container, found.shape
            form = _choose(found, options, result)
            if form is None or found.refused:
                result.refused = True
                result.format = form
                return result, Part()
            result.format = form
            result.columns = dict(options.columns or {}) or dict(found.columns)
            part, digest = _read(
                path, handle, state, found, form, result, options, executor, workers
            )
            result.valid = not part.changed and State.of(handle) == state
            result.sha256 = digest if result.valid else ""
    except FindingsError as error:
        result.findings += error.findings
        result.refused = True
        return result, Part()
    if not result.valid:
        result.findings.append(finding("data.file_changed", result.path))
    finish(result, part, found, "duplicates" in options.checks)
    if options.format and not result.fine and found.sample:
        _note_columns(result, found, options)
    return result, part


def _note_columns(result: FileScan, found: Detection, options: Options) -> None:
    """Say which columns are missing, and what to type, when that is why no row is fine."""
    format = FORMATS[result.format or ""]
    names = {column: result.columns.get(column, column) for column in format.columns}
    if missing := [column for column in format.required if names[column] not in found.sample]:
        kind, where = options.kind or found.container, result.path
        result.findings.append(diagnose(format, names, missing, found.sample, kind, where))


def _choose(found: Detection, options: Options, result: FileScan) -> str | None:
    """Return the format to check against; None when there is none, with a finding."""
    if errors(found.findings) and found.container not in ("csv", "tsv"):
        return options.format
    present = ", ".join(found.present[:12]) or "none"
    if found.container in ("csv", "tsv"):
        return "csv_classification" if found.dialect and found.dialect.table else options.format
    if options.format:
        return options.format
    if found.format is None:
        if found.shape == "preference":
            result.findings.append(finding("data.preference_data", result.path, present=present))
            return None
        if not found.present:  # nothing in the first rows can be read: let each line be explained
            return "jsonl_chat"
        result.findings.append(
            finding("data.unknown_format", result.path, shape=found.shape, present=present)
        )
        return None
    if found.columns and not options.columns:
        mapping = mapping_yaml(found.columns)
        result.findings.append(finding("data.mapping", result.path, mapping=mapping))
    return found.format


def _read(
    path: str,
    handle: int,
    state: State,
    found: Detection,
    form: str,
    result: FileScan,
    options: Options,
    executor: ProcessPoolExecutor | None,
    workers: int,
) -> tuple[Part, str]:
    """Scan the whole file, in this process or in several, and take its digest."""
    task = Task(
        path,
        state,
        found.begin,
        state.size,
        form,
        result.columns,
        found.dialect.table if found.dialect else None,
        "secrets" in options.checks,
        "phone" in options.checks,
        "text" in options.checks,
        options.block,
        options.limit,
        kernels=kernels.wanted(state.size),
    )
    whole = Part(found.begin, found.begin, total=state.size - found.begin)
    whole.lines = found.lines
    digest = hashlib.sha256() if "sha256" in options.checks else None
    if executor is None or state.size <= options.span:
        if digest:
            digest.update(read_at(handle, found.begin, 0))
        whole.extend(run_task(task, digest.update if digest else None))
        return whole, digest.hexdigest() if digest else ""
    if task.kernels:  # once, for all workers: by a copy where they are forked, else by the cache
        for module in kernels.MODULES:
            kernels.load(module)
    tasks = list(_ranges(task, handle, options, workers))
    futures = [pools.submit(executor, each) for each in tasks]
    # The digest is one long chain: it runs beside the workers, from this process.
    hashing = None
    if digest:
        hashing = threading.Thread(target=_digest, args=(path, state.size, digest))
        hashing.start()
    try:
        for each, future in zip(tasks, futures, strict=True):
            part = pools.result(each, future)
            if whole.stop >= each.stop and not part.rows:
                continue
            if part.start != whole.stop and not part.changed:
                # A stray quote before: what was taken for the start of a record is none.
                if whole.stop >= each.stop:
                    continue
                part = run_task(replace(each, start=whole.stop, exact=True))
            whole.extend(part)
    finally:
        if hashing:
            hashing.join()
    return whole, digest.hexdigest() if digest else ""


def _ranges(task: Task, handle: int, options: Options, workers: int) -> Iterable[Task]:
    """Cut a file into ranges: a few for each worker, so that none waits long for another."""
    size = task.stop - task.start
    count = max(workers, -(-size // options.span))
    step = max(-(-size // count), 1)
    odd = False
    for start in range(task.start, task.stop, step):
        stop = min(start + step, task.stop)
        yield replace(task, start=start, stop=stop, exact=start == task.start, quotes=odd)
        if task.table:
            begin = start - 1 if start > task.start else start
            odd ^= bool(count_quotes(handle, begin, stop - 1, options.block) & 1)


def _digest(path: str, size: int, digest: Any) -> None:
    with opened(path) as handle:
        at = 0
        while at < size and (data := read_at(handle, min(BLOCK, size - at), at)):
            digest.update(data)
            at += len(data)
