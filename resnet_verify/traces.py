"""Where a process was when it died, by what `faulthandler` wrote."""

from __future__ import annotations

import re

from resnet_verify.importing import is_library, short_path

_FATAL = re.compile(r"^(?:Fatal Python error|Timeout)", re.MULTILINE)
_FRAME = re.compile(r'^  File "(?P<file>.+)", line (?P<line>\d+) in (?P<name>.+)$', re.MULTILINE)


def without_trace(printed: str) -> str:
    """What was printed before the last trace."""
    traces = list(_FATAL.finditer(printed))
    return printed[: traces[-1].start()] if traces else printed


def last_place(printed: str) -> str:
    """The innermost line of the user's code in the last trace, in brackets; empty without any."""
    traces = list(_FATAL.finditer(printed))
    if not traces:
        return ""
    frames = _FRAME.finditer(printed, traces[-1].end())
    users = (frame for frame in frames if not is_library(frame["file"]))
    frame = next(users, None)
    if frame is None:
        return ""
    return f" ({short_path(frame['file'])}, line {frame['line']}, in {frame['name']})"
