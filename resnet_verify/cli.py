"""The command line: `resnet-verify check`, `identify`, `list`, `explain`.

Exit codes: 0 all conform; 1 a check failed; 2 usage, or a target that cannot be loaded or
judged; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from resnet_verify import __version__

if TYPE_CHECKING:
    from resnet_verify.judge import Options
    from resnet_verify.verdict import Verdict

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

_EPILOG = """\
A target is 'package.module:NAME' or 'path/file.py:NAME', where NAME is a callable that returns
a model, or a model; or 'path/model.onnx'. Arguments for the callable follow a '?':
  resnet-verify check 'paddle.vision.models:resnet50?num_classes=10'
Exit codes: 0 all conform, 1 a check failed, 2 usage or a target that cannot be loaded."""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, with the nearest option for a typo."""

    def error(self, message: str) -> NoReturn:
        known = [option for action in self._actions for option in action.option_strings]
        typos = [word for word in message.split() if word.startswith("--")]
        close = [match for typo in typos for match in get_close_matches(typo, known, n=1)]
        hint = f"; did you mean {close[0]}?" if close and "unrecognized" in message else ""
        self.exit(USAGE, f"{self.prog}: error: {message}{hint} ({self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line in a process of its own, and return its exit code."""
    from resnet_verify import tune

    threads = os.environ.get("OMP_NUM_THREADS")
    tune.before_import()
    words = sys.argv[1:] if argv is None else argv
    return run(words, after_load=partial(tune.after_import, threads))


def run(argv: Sequence[str], *, after_load: Callable[[], None] = lambda: None) -> int:
    """Run one command and return its exit code.

    `after_load` is called for each target once its framework is imported.
    """
    try:
        arguments = _parse(argv)
        arguments.after_load = after_load
        code: int = arguments.command(arguments)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else USAGE
    except KeyboardInterrupt:
        print("\nresnet-verify: interrupted", file=sys.stderr)
        return INTERRUPTED
    return code


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(
        prog="resnet-verify",
        description="Say what a ResNet is, whether it is right, and if not, what is wrong.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_check(commands)
    _add_identify(commands)
    listing = commands.add_parser("list", help="all checks with their promise", allow_abbrev=False)
    listing.set_defaults(command=_list)
    explain = commands.add_parser("explain", help="what a check is about", allow_abbrev=False)
    explain.add_argument("check", metavar="CHECK")
    explain.set_defaults(command=_explain)
    known, unknown = parser.parse_known_args(argv)
    if unknown:
        chosen = commands.choices.get(argv[0], parser)
        chosen.error(f"unrecognized arguments: {' '.join(unknown)}")
    return known


def _add_check(commands: argparse._SubParsersAction[_Parser]) -> None:
    check = commands.add_parser(
        "check",
        help="judge networks",
        epilog=_EPILOG,
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


def _add_identify(commands: argparse._SubParsersAction[_Parser]) -> None:
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
        return _complain(str(error))
    verdicts = []
    for position, target in enumerate(arguments.targets):
        try:
            verdict = _judge_one(target, options, arguments.after_load)
        except TargetError as error:
            _complain(str(error), verbose=arguments.verbose)
            verdict = unloadable(target, error)
        else:
            text = text_of(verdict, colour=_colourful(sys.stdout))
            print("\n" * (position > 0) + text, flush=True)
        verdicts.append(verdict)
    if arguments.json is not None:
        write_report(arguments.json, verdicts)
    if any(d.check == LOAD for verdict in verdicts for d in verdict.diagnoses):
        return USAGE
    return OK if all(verdict.judgement == "conforming" for verdict in verdicts) else FAILED


def _judge_one(target: str, options: Options, after_load: Callable[[], None]) -> Verdict:
    from resnet_verify.judge import judge
    from resnet_verify.progress import Progress
    from resnet_verify.target import load_target

    with Progress(target, sys.stderr) as progress:
        examination = options.examination(load_target(target))
        examination.prepare()
        after_load()
        return judge(examination, target, options, progress.show)


def _require_folder(path: Path | None) -> None:
    from resnet_verify.judge import OptionError

    if path is None:
        return
    if path.is_dir():
        raise OptionError(f"--json {path}: this is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise OptionError(f"--json {path}: there is no folder {path.parent}")


def _list(_arguments: argparse.Namespace) -> int:
    from resnet_verify.checks import all_checks
    from resnet_verify.report import check_list

    print(check_list(all_checks()))
    return OK


def _explain(arguments: argparse.Namespace) -> int:
    from resnet_verify.checks import all_checks
    from resnet_verify.report import check_text

    checks = all_checks()
    wanted = arguments.check.upper()
    if wanted in checks:
        print(check_text(checks[wanted]))
        return OK
    close = get_close_matches(wanted, checks, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "'resnet-verify list' names them all"
    return _complain(f"there is no check {arguments.check!r}; {hint}")


def _complain(message: str, *, verbose: bool = False) -> int:
    if verbose:
        traceback.print_exc()
    print(f"resnet-verify: error: {message}", file=sys.stderr)
    return USAGE


def _colourful(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


if __name__ == "__main__":
    sys.exit(main())
