"""The command line: ``python -m ft_runtime run | check | env | smoke | compile``.

Exit codes: 0 done; 1 findings with errors; 2 wrong usage; 75 (EX_TEMPFAIL) stopped on request, the
same command goes on; 70 (EX_SOFTWARE) an error that should not happen. Results go to standard
output, findings to standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime import printing, processes
from ft_runtime.doctor.options import add_arguments as add_doctor_arguments
from ft_runtime.findings import Finding, FindingsError, errors, finding, render, subscribed, text
from ft_runtime.printing import reason_of

if TYPE_CHECKING:
    from ft_runtime.config import Config
    from ft_runtime.data.rows import RowSet

DONE, FOUND, USAGE, INTERNAL, PAUSED = 0, 1, 2, 70, 75
SHOWN = 50
"""Most findings that ``check`` prints as text; ``--json`` has all of them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; those of the process by default.

    Returns
    -------
    int
        The exit code.
    """
    from ft_runtime.training.result import TrainingPaused

    options = _parser().parse_args(arguments)
    printing.show_any_character()
    try:
        return int(options.command(options))
    except TrainingPaused as pause:
        if processes.is_main():
            printing.say(repr(pause.result))
            printing.say(str(pause), sys.stderr)
        return PAUSED
    except FindingsError as error:
        # Others fail with the same findings, or have told theirs.
        if processes.is_main():
            printing.say(str(error), sys.stderr)
        return FOUND
    except KeyboardInterrupt:
        printing.say(text(options.interrupted), sys.stderr)
        return PAUSED
    except Exception:
        traceback.print_exc()
        print(text("cli.internal"), file=sys.stderr)
        return INTERNAL


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ft_runtime",
        description=text("cli.description"),
        epilog=text("cli.exit_codes"),
    )
    # Only a run has something to go on from.
    parser.set_defaults(interrupted="cli.stopped")
    commands = parser.add_subparsers(required=True, metavar="command")

    run = commands.add_parser("run", help=text("cli.run"), description=text("cli.run"))
    _add_config(run)
    run.add_argument("--fresh", action="store_true", help=text("cli.fresh"))
    run.add_argument(
        "--progress", action=argparse.BooleanOptionalAction, default=None, help=text("cli.progress")
    )
    run.set_defaults(command=_run, interrupted="cli.interrupted")

    check = commands.add_parser("check", help=text("cli.check"), description=text("cli.check"))
    _add_config(check, text("doctor_report.opt_source"))
    check.add_argument("--tokens", action="store_true", help=text("cli.tokens"))
    check.add_argument("--json", action="store_true", help=text("cli.json"))
    add_doctor_arguments(check)
    check.set_defaults(command=_check)

    env = commands.add_parser("env", help=text("cli.env"), description=text("cli.env"))
    env.add_argument("--json", action="store_true", help=text("cli.json"))
    env.set_defaults(command=_env)

    smoke = commands.add_parser("smoke", help=text("cli.smoke"), description=text("cli.smoke"))
    _add_config(smoke)
    smoke.set_defaults(command=_smoke)

    compile = commands.add_parser(
        "compile", help=text("cli.compile"), description=text("cli.compile")
    )
    compile.set_defaults(command=_compile)
    return parser


def _add_config(parser: argparse.ArgumentParser, described: str = "") -> None:
    parser.add_argument("config", help=described or text("cli.config"))
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="field=value",
        dest="overrides",
        help=text("cli.set"),
    )


def _document(options: argparse.Namespace) -> dict[str, Any]:
    from ft_runtime.config import apply_overrides, read_document

    return apply_overrides(read_document(options.config), options.overrides)


def _run(options: argparse.Namespace) -> int:
    from ft_runtime import imports, pipeline
    from ft_runtime.config import load_config

    imports.begin_torch()
    config = load_config(_document(options))
    if threading.current_thread() is threading.main_thread():
        # Outside training SIGTERM ends the run like Ctrl-C; training has its own, gentler answer.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    imports.own_process()
    pipeline.run(config, fresh=options.fresh, progress=options.progress, tell=_tell)
    return DONE


def _tell(shown: str) -> None:
    """Print a result of a run, which goes on when nobody reads it: its folder has everything."""
    if error := printing.say(shown):
        reason = reason_of(error)
        printing.say(text("cli.unheard", reason=reason), sys.stderr)


def _check(options: argparse.Namespace) -> int:
    from ft_runtime.doctor import door

    if door.is_data(options.config):
        return door.check_data(options)
    if options.more:
        raise FindingsError([finding("doctor_report.not_beside", options.config)])
    found, config, rows = _findings(options)
    if config is not None:
        return door.check_config(options, config, found, rows)
    if options.json:
        document = {"ok": False, "findings": [item.to_dict() for item in found]}
        printing.tell(json.dumps(document, ensure_ascii=True, indent=2))
        return FOUND
    ordered = [*errors(found), *(item for item in found if item.severity != "error")]
    printing.tell(render(ordered[:SHOWN]), sys.stderr)
    if len(ordered) > SHOWN:
        printing.tell(text("cli.more", count=len(ordered) - SHOWN), sys.stderr)
    counts = {"errors": len(errors(found)), "others": len(found) - len(errors(found))}
    printing.tell(text("cli.check_bad", **counts))
    return FOUND


def _findings(
    options: argparse.Namespace,
) -> tuple[list[Finding], Config | None, RowSet | None]:
    """Return everything that is wrong or doubtful in the config and its data.

    The config is None when it cannot be used; the rows when they are not read or, without
    ``--tokens``, not needed.
    """
    from ft_runtime.config import check_config

    found: list[Finding] = []
    try:
        config, told = check_config(_document(options))
        found += told
        if config is None or errors(told):
            return found, None, None
    except FindingsError as error:
        return [*found, *error.findings], None, None
    try:
        told, rows = _data_findings(config, options.tokens)
        return [*found, *told], config, rows
    except FindingsError as error:
        return [*found, *error.findings], config, None


def _data_findings(config: Config, tokens: bool) -> tuple[list[Finding], RowSet | None]:
    from ft_runtime.data import check_rows, check_splits

    rows, found = check_rows(config)
    found = [*found, *_place_findings(config)]
    splits, told = check_splits(rows, config) if rows is not None else (None, [])
    found = [*found, *told]
    if rows is None or splits is None or not tokens:
        return found, None
    from ft_runtime.models import load_tokenizer
    from ft_runtime.tokens import prepare_data

    # The verbs of a run show what they find; here it is gathered, to be shown once.
    with subscribed(found.append), contextlib.redirect_stderr(io.StringIO()):
        try:
            prepare_data(config, rows, splits, load_tokenizer(config), None)
        except FindingsError as error:
            found += error.findings
    return found, rows


def _place_findings(config: Config) -> list[Finding]:
    """Look at the places that a run needs: its folder, and a model that is on this machine."""
    from ft_runtime.models import find_model
    from ft_runtime.runs import check_folder

    found: list[Finding] = []
    try:
        check_folder(config)
        if config.provider == "hf_local":
            find_model(config)
    except FindingsError as error:
        found += error.findings
    return found


def _env(options: argparse.Namespace) -> int:
    from ft_runtime.versions import environment

    found = environment()
    if options.json:
        plain = asdict(found) if is_dataclass(found) and not isinstance(found, type) else found
        printing.tell(json.dumps(plain, ensure_ascii=True, indent=2, default=str))
    else:
        printing.tell(repr(found))
    return DONE


def _smoke(options: argparse.Namespace) -> int:
    from ft_runtime.config import load_config
    from ft_runtime.smoke import smoke_test

    printing.tell(repr(smoke_test(load_config(_document(options)))))
    return DONE


def _compile(_options: argparse.Namespace) -> int:
    from ft_runtime.doctor import kernels

    told = kernels.compile_all()
    if isinstance(told, Finding):
        raise FindingsError([told])
    printing.tell(text("cli.compiled", folder=told))
    return DONE
