"""`resnet-verify check` and `identify`: judge networks, each of several in its own process."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_verify.commands import EPILOG, FAILED, OK, USAGE, colourful, complain

if TYPE_CHECKING:
    from resnet_verify.commands import Parser
    from resnet_verify.judge import Options
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
    add("--timeout", metavar="S", help="seconds that one check may take")
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
    add("-v", "--verbose", action="store_true", help="tracebacks for targets that do not load")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


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
    from resnet_verify.judge import LOAD, OptionError, unloadable
    from resnet_verify.report_json import write_report
    from resnet_verify.target import TargetError

    try:
        options = _options(arguments)
        _require_folder(arguments.json)
    except OptionError as error:
        return complain(str(error))
    judge_one = _judge_apart if len(arguments.targets) > 1 else _judge_here
    verdicts = []
    for position, target in enumerate(arguments.targets):
        try:
            verdict = judge_one(target, options, arguments.after_load)
        except TargetError as error:
            complain(str(error), verbose=arguments.verbose)
            verdict = unloadable(target, error)
        else:
            text = text_of(verdict, colour=colourful(sys.stdout))
            print("\n" * (position > 0) + text, flush=True)
        verdicts.append(verdict)
    if arguments.json is not None:
        write_report(arguments.json, verdicts)
    if any(d.check == LOAD for verdict in verdicts for d in verdict.diagnoses):
        return USAGE
    return OK if all(verdict.judgement == "conforming" for verdict in verdicts) else FAILED


def _judge_here(target: str, options: Options, after_load: Callable[[], None]) -> Verdict:
    from resnet_verify.progress import Progress

    with Progress(target, sys.stderr) as progress:
        return _judge(progress.show, target, options, after_load)


def _judge_apart(target: str, options: Options, _after_load: Callable[[], None]) -> Verdict:
    """Judge in a process of its own: two frameworks in one may clash."""
    from resnet_verify.process import ProcessError, run_apart
    from resnet_verify.progress import Progress
    from resnet_verify.target import TargetError

    with Progress(target, sys.stderr) as progress:
        try:
            return run_apart(_judge_in_own_process, target, options, heed=progress.show)
        except ProcessError as error:
            raise TargetError(f"{target}: {error}") from error


def _judge_in_own_process(
    tell: Callable[[str, int, int], None], target: str, options: Options
) -> Verdict:
    from resnet_verify import tune

    return _judge(tell, target, options, tune.own_process())


def _judge(
    tell: Callable[[str, int, int], None],
    target: str,
    options: Options,
    after_load: Callable[[], None],
) -> Verdict:
    from resnet_verify.judge import judge
    from resnet_verify.target import load_target

    loaded = load_target(target)
    examination = options.examination(loaded)
    examination.prepare()
    after_load()
    return judge(examination, target, options, tell)


def _require_folder(path: Path | None) -> None:
    from resnet_verify.judge import OptionError

    if path is None:
        return
    if path.is_dir():
        raise OptionError(f"--json {path}: this is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise OptionError(f"--json {path}: there is no folder {path.parent}")
