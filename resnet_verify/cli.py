"""The command line: `resnet-verify check`, `identify`, `transplant`, `bench`, `list`, ...

Exit codes: 0 all conform; 1 a check failed; 2 usage, or a target that cannot be loaded or
judged; 130 interrupted by Ctrl-C, 143 by SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from resnet_verify import __version__
from resnet_verify.commands import (
    ASKED_TO_END,
    EPILOG,
    INTERRUPTED,
    USAGE,
    Parser,
    bench,
    check,
    history,
    lists,
    transplant,
)

if TYPE_CHECKING:
    from types import FrameType


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line in a process of its own, and return its exit code."""
    from resnet_verify import tune

    signal.signal(signal.SIGTERM, _end)
    after_load = tune.own_process()
    return run(sys.argv[1:] if argv is None else argv, after_load=after_load)


class _AskedToEnd(KeyboardInterrupt):
    """SIGTERM: it ends as after Ctrl-C, with nothing half-written and no process left."""


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise _AskedToEnd


def run(argv: Sequence[str], *, after_load: Callable[[], None] = lambda: None) -> int:
    """Run one command and return its exit code.

    `after_load` is called for each target once its framework is imported.
    """
    try:
        arguments = _parse(argv)
        arguments.after_load = after_load
        code: int = arguments.command(arguments)
        sys.stdout.flush()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else USAGE
    except KeyboardInterrupt as interrupt:
        print("\nresnet-verify: interrupted", file=sys.stderr)
        return ASKED_TO_END if isinstance(interrupt, _AskedToEnd) else INTERRUPTED
    except BrokenPipeError:  # its reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USAGE
    return code


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="resnet-verify",
        description="Say what a ResNet is, whether it is right, and if not, what is wrong.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in (check, transplant, bench, history, lists):
        command.add(commands)
    known, unknown = parser.parse_known_args(argv)
    if unknown:
        chosen = commands.choices.get(argv[0], parser)
        chosen.error(f"unrecognized arguments: {' '.join(unknown)}")
    return known


if __name__ == "__main__":
    sys.exit(main())
