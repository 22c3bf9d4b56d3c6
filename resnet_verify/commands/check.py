"""`resnet-verify check` and `identify`: judge networks, each in a process of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_verify.commands import EPILOG, complain

if TYPE_CHECKING:
    from resnet_verify.commands import Parser
    from resnet_verify.commands.verdicts import Verdicts
    from resnet_verify.judge import Judging, Options
    from resnet_verify.progress import Progress
    from resnet_verify.verdict import Verdict


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add both commands to the parser."""
    _add_check(commands)
    _add_identify(commands)


def _add_check(commands: argparse._SubParsersAction[Parser]) -> None:
    check = commands.add_parser(
        "check",
        help="judge networks",
        epilog=EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = check.add_argument
    add("targets", metavar="TARGET", nargs="+", help="what to judge")
    _add_form_options(check)
    add(
        "--select",
        metavar="IDS",
        action="append",
        type=_words,
        default=[],
        help="only these checks: ids or prefixes of ids, separated by commas",
    )
    add(
        "--exclude",
        metavar="IDS",
        action="append",
        type=_words,
        default=[],
        help="without these checks: ids or prefixes",
    )
    add("--json", metavar="FILE", type=Path, help="also write the verdicts as JSON")
    add(
        "--timeout",
        metavar="S",
        help="seconds that loading, or one check, may take; default 300, none with --no-isolate",
    )
    check.set_defaults(command=_check)


def _add_identify(commands: argparse._SubParsersAction[Parser]) -> None:
    identify = commands.add_parser("identify", help="say what a network is", allow_abbrev=False)
    identify.add_argument("targets", metavar="TARGET", nargs="+", help="what to identify")
    _add_form_options(identify)
    identify.set_defaults(command=_identify, select=[("STR",)], exclude=[], json=None, timeout=None)


def _add_form_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--arch", metavar="A", help="the architecture it has to be, resnet50 say")
    add("--variant", metavar="V", help="the variant it has to be, v1.5 say")
    add(
        "--allow-head",
        metavar="H",
        action="append",
        default=[],
        choices=["softmax", "log_softmax"],
        help="softmax or log_softmax at the end is right",
    )
    add("--gpu", action="store_true", help="on the GPU, with the checks that need one")
    add("--seed", metavar="N", type=int, default=0, help="of weights and inputs; default 0")
    add("--jobs", metavar="N", type=_count, default=1, help="targets judged at a time; default 1")
    add(
        "--no-isolate",
        dest="isolate",
        action="store_false",
        help="judge in this process, for a debugger: a target may do to it what it likes",
    )
    add(
        "-v",
        "--verbose",
        action="store_true",
        help="tracebacks for targets that do not load, and what targets print",
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1")
    return int(text)


def _options(arguments: argparse.Namespace) -> Options:
    from resnet_verify import gpu
    from resnet_verify.judge import OptionError, Options, seconds_limit

    limit = arguments.timeout
    options = Options(
        arch=arguments.arch,
        variant=arguments.variant,
        select=sum(arguments.select, ()),
        exclude=sum(arguments.exclude, ()),
        seed=arguments.seed,
        device="gpu" if arguments.gpu else "cpu",
        allow_head=tuple(arguments.allow_head),
        timeout=None if limit is None else seconds_limit(limit),
    )
    options.checks()
    if arguments.gpu and (why := gpu.why_unusable()):
        raise OptionError(f"--gpu: {why}")
    return options


def _check(arguments: argparse.Namespace) -> int:
    from resnet_verify.report import verdict_text

    return _judge_all(arguments, verdict_text)


def _identify(arguments: argparse.Namespace) -> int:
    from resnet_verify.report import identity_text

    return _judge_all(arguments, identity_text)


def _judge_all(arguments: argparse.Namespace, text_of: Callable[..., str]) -> int:
    from resnet_verify.commands.verdicts import Verdicts
    from resnet_verify.judge import OptionError

    try:
        options = _options(arguments)
        _require_folder(arguments.json)
        if arguments.jobs > 1 and not arguments.isolate:
            raise OptionError("--no-isolate judges one target at a time, without --jobs")
    except OptionError as error:
        return complain(str(error))
    verdicts = Verdicts(arguments.targets, text_of, arguments.json, verbose=arguments.verbose)
    judge_all = _judge_apart if arguments.isolate else _judge_here
    judge_all(arguments, options, verdicts)
    return verdicts.exit_code()


def _judge_apart(arguments: argparse.Namespace, options: Options, verdicts: Verdicts) -> None:
    from resnet_verify.progress import Board
    from resnet_verify.side_by_side import SideBySide

    targets = arguments.targets
    with (
        Board(targets, sys.stderr) as board,
        SideBySide(targets, options, arguments.jobs, board.show) as judging,
    ):
        try:
            for position, judged in judging.judged():
                board.finish(position)
                board.clear()
                verdicts.take(position, judged)
        except KeyboardInterrupt:
            board.clear()
            verdicts.interrupted(dict(judging.begun()))
            raise


def _judge_here(arguments: argparse.Namespace, options: Options, verdicts: Verdicts) -> None:
    from resnet_verify.judge import Judging, unloadable
    from resnet_verify.progress import Progress
    from resnet_verify.side_by_side import Judged
    from resnet_verify.target import TargetError

    for position, target in enumerate(arguments.targets):
        judging = Judging(target, options)
        try:
            with Progress(target, sys.stderr) as progress:
                verdict = _judged_here(judging, options, progress, arguments.after_load)
            judged = Judged(verdict)
        except TargetError as error:
            judged = Judged(unloadable(target, error), error)
        except KeyboardInterrupt:
            begun = {position: judging.verdict("judging was interrupted")}
            verdicts.interrupted(begun if judging.begun else {})
            raise
        verdicts.take(position, judged)


def _judged_here(
    judging: Judging, options: Options, progress: Progress, after_load: Callable[[], None]
) -> Verdict:
    from resnet_verify.judge import judged_by
    from resnet_verify.target import load_target

    examination = options.examination(load_target(judging.target))
    examination.prepare()
    after_load()
    return judging.run(
        lambda check: judged_by(examination, check, judging.target, options), progress.show
    )


def _require_folder(path: Path | None) -> None:
    from resnet_verify.judge import OptionError

    if path is None:
        return
    if path.is_dir():
        raise OptionError(f"--json {path}: this is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise OptionError(f"--json {path}: there is no folder {path.parent}")
