"""The ``check`` command: a config or a data file in, findings and reports out."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ft_runtime.data.saved import is_saved
from ft_runtime.doctor import kernels
from ft_runtime.doctor.examine import SplitPlan, compare_runs, examined
from ft_runtime.doctor.identity import FILE, record, write_record
from ft_runtime.doctor.options import checks_of
from ft_runtime.doctor.parts import write_parts
from ft_runtime.doctor.repairs import repair
from ft_runtime.doctor.report import Report, group, to_html, write_csv
from ft_runtime.doctor.report.group import RANK
from ft_runtime.doctor.report.summary import LINES, WIDTH, parts
from ft_runtime.doctor.report.table import write_file
from ft_runtime.doctor.sources import named_files, names_of, saved_dataset, sources_of
from ft_runtime.doctor.survey import Survey
from ft_runtime.findings import Finding, FindingsError, errors, finding, text
from ft_runtime.printing import tell

if TYPE_CHECKING:
    from ft_runtime.config import Config
    from ft_runtime.data.rows import RowSet

DONE, FOUND = 0, 1
_LENGTH = 1024
_CONFIGS = (".yaml", ".yml", ".toml")
_HEAD = 1 << 16


def is_data(path: str | Path) -> bool:
    """Tell a data file from a config, by its ending and, for ``.json``, by what is in it."""
    target = Path(path)
    if target.suffix.lower() in _CONFIGS:
        return False
    if target.suffix.lower() != ".json" or not target.is_file():
        return True
    try:
        with open(target, "rb") as stream:
            head = stream.read(_HEAD)
    except OSError:  # whoever reads it as data tells why it cannot be read
        return True
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return True
    try:
        document = json.loads(target.read_bytes())
    except (ValueError, RecursionError):
        return not (b'"model_id"' in head or b'"dataset"' in head)
    return not (isinstance(document, dict) and {"model_id", "dataset"} & document.keys())


def check_data(options: argparse.Namespace) -> int:
    """Check a data file.

    Returns
    -------
    int
        0 in order, 1 errors were found.
    """
    if options.more:
        return _check_sources(options, named_files([options.config, *options.more]))
    place = Path(options.config)
    recorded = place.is_dir() and (place / FILE).is_file()
    if recorded and options.against:
        return _tell(compare_runs(place, options.against), Survey(), options, SplitPlan())
    try:
        if recorded and not is_saved(place):
            raise FindingsError([finding("doctor_report.record_alone", str(place), folder=place)])
        source = saved_dataset(place) if place.is_dir() else named_files([options.config])
    except FindingsError as error:
        report = Report([], group(Survey(), error.findings))
        return _tell(report, Survey(), options, SplitPlan())
    return _check_sources(options, source)


def _check_sources(options: argparse.Namespace, source: Any) -> int:
    with examined(
        source,
        options.format,
        columns_of(options.columns),
        split=SplitPlan(),
        against=options.against,
        checks=checks_of(options),
        workers=options.workers,
        folder=options.write_splits or "splits",
    ) as (report, found):
        if options.tokenizer:
            _tokens_of_file(report, found, options)
        elif options.tokens or options.draw or options.max_seq_len:
            add_findings(report, [finding("doctor_report.needs_tokenizer", "--tokenizer")])
        add_findings(report, _idle(options))
        return _tell(report, found, options, SplitPlan())


def check_config(
    options: argparse.Namespace, config: Config, told: list[Finding], rows: RowSet | None = None
) -> int:
    """Check the data of a config.

    Parameters
    ----------
    options : argparse.Namespace
    config : Config
    told : list of Finding
        Of the config and of the reader that a run uses.
    rows : RowSet, optional
        When given, the rows are looked at with the model's tokenizer.
    """
    split = config.dataset.split
    shares = {name: float(split[name] or 0) for name in ("train", "val", "test")}
    plan = SplitPlan(split.strategy, seed=config.seed, **shares)
    with examined(
        sources_of(config),
        config.dataset.format,
        names_of(config),
        split=plan,
        against=options.against,
        checks=checks_of(options),
        workers=options.workers,
        folder=options.write_splits or "splits",
    ) as (report, found):
        if rows is not None:
            _tokens_of_config(report, config, rows, options)
        _as_a_run(report, told)
        add_findings(report, _idle(options, config))
        return _tell(report, found, options, plan)


def _tokens_of_config(
    report: Report, config: Config, rows: RowSet, options: argparse.Namespace
) -> None:
    from ft_runtime.doctor.tokens import check_tokens
    from ft_runtime.models import load_tokenizer

    try:
        tokenizer = load_tokenizer(config)
    except FindingsError:  # told already, by the reader
        return
    limit = int(config.hyperparams.max_seq_len)
    made = check_tokens(rows.usable, rows.format, tokenizer, limit, rows.label_names, options.draw)
    report.tokens = made
    add_findings(report, [item for item in made.findings if not item.code.startswith("tokens.")])


def _idle(options: argparse.Namespace, config: Config | None = None) -> list[Finding]:
    """Return a warning for each option that cannot do anything with what is checked."""
    found = []
    if config is None and options.overrides:
        found.append(finding("doctor_report.set_without_config", "--set"))
    if config is not None:
        given = {
            "--format": options.format,
            "--columns": options.columns,
            "--tokenizer": options.tokenizer,
            "--max-seq-len": options.max_seq_len,
        }
        if names := ", ".join(name for name, value in given.items() if value):
            found.append(finding("doctor_report.config_decides", names))
        if options.draw and not options.tokens:
            found.append(finding("doctor_report.draw_without_tokens", "--draw"))
    if options.fix_kinds and not options.fix:
        found.append(finding("doctor_report.kinds_without_fix", "--fix-kinds"))
    return found


def add_findings(report: Report, told: list[Finding]) -> None:
    """Put further findings into a report, and leave out what it says itself of the same kind."""
    spoken = {item.code for item in told}
    kept = [each for each in report.groups if each.code not in spoken]
    report.groups = [*group(Survey(), told), *kept]
    report.groups.sort(key=lambda each: RANK[each.severity])


def _as_a_run(report: Report, told: list[Finding]) -> None:
    """Put what a run would say into the report of its data.

    A run leaves broken rows out, as the ledger tells, and goes on; how many it may lose is for
    ``dataset.max_lost_fraction`` to say. So they are warnings, unless the data cannot serve at all.
    """
    if not any(item.code.startswith("data.") for item in errors(told)):
        report.groups = [
            replace(each, severity="warning") if each.severity == "error" else each
            for each in report.groups
        ]
    # The report has the rows themselves.
    summed = any(each.rows for each in report.groups)
    add_findings(report, [t for t in told if not (summed and t.code == "data.rows_unusable")])


def columns_of(pairs: list[str]) -> dict[str, str]:
    """Return ``--columns`` as a mapping; several may stand in one, with commas between.

    Raises
    ------
    FindingsError
        ``doctor_report.bad_columns``, ``doctor_report.unknown_column``.
    """
    from ft_runtime.data.formats import FORMATS

    known = list(dict.fromkeys(name for each in FORMATS.values() for name in each.columns))
    found = {}
    for pair in ",".join(pairs).split(",") if pairs else ():
        canonical, sign, actual = pair.partition("=")
        if not (sign and canonical.strip() and actual):
            raise FindingsError([finding("doctor_report.bad_columns", "--columns", got=pair)])
        if (name := canonical.strip()) not in known:
            values = {"got": name, "known": ", ".join(known)}
            raise FindingsError([finding("doctor_report.unknown_column", "--columns", **values)])
        found[canonical.strip()] = actual
    return found


def _tell(report: Report, found: Survey, options: argparse.Namespace, plan: SplitPlan) -> int:
    """Write what was asked for, then print."""
    told: list[str] = []
    failed: list[Finding] = []

    def attempt(action: Callable[[], str]) -> None:
        try:
            told.append(action())
        except FindingsError as error:
            failed.extend(error.findings)

    # What was opened and is no data may be repaired; of what was not read whole there is no more.
    asked: dict[str, str | None] = {}
    if not found.files:
        asked["--fix"] = options.fix
    elif options.fix:
        attempt(lambda: repr(repair(found, options.fix, options.fix_kinds)))
    if not found.sound:
        asked |= {"--write-splits": options.write_splits, "--write-record": options.write_record}
    elif options.write_splits:
        attempt(lambda: write_parts(found, report, options.write_splits, plan))
    if found.sound and options.write_record:
        attempt(lambda: _wrote(write_record(options.write_record, record(found))))
    before = len(failed)
    if failed:
        add_findings(report, failed)
    if names := ", ".join(name for name, value in asked.items() if value):  # below its reason
        report.groups += group(Survey(), [finding("doctor_report.nothing_written", names)])
        report.groups.sort(key=lambda each: RANK[each.severity])
    if options.csv:
        attempt(lambda: _wrote(write_csv(report, options.csv)))
    if options.html:
        attempt(lambda: _wrote(write_file(options.html, to_html(report))))
    if failed[before:]:
        add_findings(report, failed)  # all: of a code the report keeps the last that it is told
    if options.json:
        document = report.to_dict()
        tell(json.dumps(document, ensure_ascii=True, indent=2, default=str), sys.stdout)
    else:
        screen = shutil.get_terminal_size((WIDTH, LINES)).lines
        head, kinds, tail = parts(report, min(max(screen - 1, LINES), 2 * LINES))
        _show(head, sys.stdout)
        _show(kinds, sys.stderr)
        if options.draw is not None and report.tokens and report.tokens.drawn:
            tail = [*tail, *repr(report.tokens.drawn).splitlines()]
        if kernels.missed(max((each.scan.bytes for each in found.files), default=0)):
            tail = [*tail, text("doctor_report.not_compiled")]
        _show([*tail, *told], sys.stdout)
    return DONE if report.ok else FOUND


def _show(lines: list[str], stream: TextIO) -> None:
    if lines:
        shown = "\n".join(lines).encode("utf-8", "backslashreplace").decode()
        tell(shown, stream)


def _wrote(path: Path) -> str:
    return text("doctor_report.wrote", path=path)


def _tokens_of_file(report: Report, found: Survey, options: argparse.Namespace) -> None:
    """Check the rows with a tokenizer in a folder; they are read as a run would read them."""
    from ft_runtime.doctor.tokens.load import rows_of, tokenizer_of

    if found.format is None:
        told = [finding("doctor_report.no_format_for_tokens", "--tokenizer")]
        add_findings(report, told)
        return
    try:
        from ft_runtime.doctor.tokens import check_tokens

        rows, labels = rows_of(found)
        tokenizer = tokenizer_of(options.tokenizer)
        limit = options.max_seq_len or _LENGTH
        report.tokens = check_tokens(rows, found.format, tokenizer, limit, labels, options.draw)
        add_findings(report, report.tokens.findings)
    except FindingsError as error:
        add_findings(report, error.findings)
