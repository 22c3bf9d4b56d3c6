"""`resnet-verify list` and `explain`: the checks, all of them or one in full."""

from __future__ import annotations

import argparse
from difflib import get_close_matches
from typing import TYPE_CHECKING

from resnet_verify.commands import OK, complain

if TYPE_CHECKING:
    from resnet_verify.commands import Parser


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add both commands to the parser."""
    listing = commands.add_parser("list", help="all checks with their promise", allow_abbrev=False)
    listing.set_defaults(command=_list)
    explain = commands.add_parser("explain", help="what a check is about", allow_abbrev=False)
    explain.add_argument("check", metavar="CHECK")
    explain.set_defaults(command=_explain)


def _list(_arguments: argparse.Namespace) -> int:
    from resnet_verify.checks import all_checks
    from resnet_verify.checks.power import measured
    from resnet_verify.report import check_list

    print(check_list(all_checks(), measured()))
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
    return complain(f"there is no check {arguments.check!r}; {hint}")
