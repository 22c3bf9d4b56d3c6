"""The histories as a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from resnet_verify.bench.history import History
from resnet_verify.bench.text import when

_SIGNS = re.compile(r"([\\`*_{}\[\]()#+!|<>~@])")


def markdown(found: Sequence[History]) -> str:
    """A table, a line a series; what users wrote is escaped."""
    lines = [
        "| Target | Workload | State | Time over yardstick | Images/s | Newest |",
        "|---|---|---|---|---|---|",
    ]
    for history in found:
        point, one = history.points[-1], history.series
        ratio = "none beside"
        if point.ratio is not None:
            ratio = f"{point.ratio:.3f} ({point.low:.3f} to {point.high:.3f})"
        cells = [one.target, one.workload, history.state, ratio]
        cells += [f"{point.images_per_second:,.1f}", when(point.at)]
        lines.append("| " + " | ".join(map(_escaped, cells)) + " |")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return _SIGNS.sub(r"\\\1", " ".join(text.split()))
