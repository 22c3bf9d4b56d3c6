"""The commands of `resnet-verify`, a module for each, and what they share."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from difflib import get_close_matches
from typing import NoReturn, TextIO

OK, FAILED, USAGE, INTERRUPTED, ASKED_TO_END = 0, 1, 2, 130, 143

EPILOG = """\
A target is 'package.module:NAME' or 'path/file.py:NAME', where NAME is a callable that returns
a model, or a model; or 'path/model.onnx'. Arguments for the callable follow a '?':
  resnet-verify check 'paddle.vision.models:resnet50?num_classes=10'
Exit codes: 0 all conform, 1 a check failed, 2 usage or a target that cannot be loaded,
130 or 143 ended by Ctrl-C or SIGTERM; what was judged by then is said, and written."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, with the nearest option for a typo."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and leave with the exit code for wrong usage."""
        known = [option for action in self._actions for option in action.option_strings]
        typos = [word for word in message.split() if word.startswith("--")]
        close = [match for typo in typos for match in get_close_matches(typo, known, n=1)]
        hint = f"; did you mean {close[0]}?" if close and "unrecognized" in message else ""
        self.exit(USAGE, f"{self.prog}: error: {message}{hint} ({self.prog} --help)\n")


def complain(message: str, code: int = USAGE, *, verbose: bool = False) -> int:
    """Say on stderr, in one line, why a command fails; return its exit code."""
    if verbose:
        traceback.print_exc()
    print(f"resnet-verify: error: {message}", file=sys.stderr)
    return code


def colourful(stream: TextIO) -> bool:
    """Whether colours show on `stream`: on a terminal, unless the user does not want them."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
