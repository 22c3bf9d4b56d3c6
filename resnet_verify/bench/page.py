"""The histories as one page of HTML that needs nothing else: no script, no font, no network.

Figures are SVG with a description and a table behind them; every point can be reached with the
keyboard, and shows what it is. Whatever comes from outside is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from resnet_verify.bench.charts import distribution, ladder, trend
from resnet_verify.bench.fingerprint import differences
from resnet_verify.bench.history import History
from resnet_verify.bench.record import Record
from resnet_verify.bench.text import comparison_text, figures_text, when

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --line: #2a6fb0; --band: #2a6fb033;
  --mark: #b5432a; --soft: #8886; }
@media (prefers-color-scheme: dark) { :root { --ink: #eee; --paper: #16181b; --line: #7ab8f0;
  --band: #7ab8f044; --mark: #f0876b; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
section { border-top: 1px solid var(--soft); padding-top: 1rem; margin-top: 2rem; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--ink); font-size: 13px; }
.line { fill: none; stroke: var(--line); stroke-width: 2; }
.band { fill: var(--band); } .bar { fill: var(--line); } .other { fill: var(--soft); }
.level { stroke: var(--mark); stroke-width: 2; }
.shift { stroke: var(--mark); stroke-dasharray: 4; }
.axis { stroke: var(--soft); }
.point { fill: var(--line); } .point:focus { outline: none; stroke: var(--mark); stroke-width: 5; }
.state { border: 1px solid; border-radius: 1em; padding: 0 .6em; }
.slower { color: var(--mark); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; }
td, th { padding: .2em .8em .2em 0; text-align: left; white-space: nowrap; }
a, summary { color: var(--line); } :focus-visible { outline: 3px solid var(--mark); }
"""


def page(found: Sequence[History], newest: Sequence[Record]) -> str:
    """The page: an overview, then a section for each history with its newest record."""
    sections = [
        section
        for number, (history, record) in enumerate(zip(found, newest, strict=True))
        for section in _section(f"series-{number}", history, record, newest)
    ]
    body = "\n".join([*_overview(found), *sections])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Throughput</title><style>{_STYLE}</style></head>"
        f"<body><h1>Throughput</h1>\n{body}\n</body></html>\n"
    )


def _overview(found: Sequence[History]) -> Iterator[str]:
    yield "<nav aria-label='Series'><ul>"
    for number, history in enumerate(found):
        one = history.series
        words = escape(f"{one.target} [{one.workload}]")
        yield f"<li>{_state(history)} <a href='#series-{number}'>{words}</a></li>"
    yield "</ul></nav>"


def _state(history: History) -> str:
    state = history.state
    return f"<span class='state {state.replace(' ', '-')}'>{state}</span>"


def _section(
    anchor: str, history: History, record: Record, others: Sequence[Record]
) -> Iterator[str]:
    one = history.series
    yield f"<section id='{anchor}' aria-labelledby='{anchor}-title'>"
    yield f"<h2 id='{anchor}-title'>{escape(one.target)}</h2>"
    yield f"<p>{_state(history)} {escape(one.workload)}; machine {one.fingerprint}"
    yield f"; yardstick: {escape(one.yardstick or 'none')}</p>"
    if history.compared:
        yield "<h3>Time over the yardstick's</h3>"
        yield trend(history)
    samples = record.data.get("samples", [])
    if len(samples) == 2:
        yield f"<h3>Newest run, {when(record.at)}</h3>"
        yield from (f"<p>{escape(comparison_text(run))}</p>" for run in record.data["runs"])
        yield distribution(*samples)
    yield from _ceiling(record)
    yield from _table(history)
    yield from _machines(record, others)
    yield "</section>"


def _ceiling(record: Record) -> Iterator[str]:
    names = (record.target, record.yardstick)
    sides: list[Mapping[str, Any]] = record.data.get("figures", [])
    for name, figures in zip(names, sides, strict=False):
        words = figures_text(figures, record.data["workloads"][0])
        yield f"<p><strong>{escape(name)}</strong>: {escape(words)}</p>"
        if figures["macs_per_second"] is not None:
            yield ladder(figures["macs_per_second"], figures["ceiling"])


def _table(history: History) -> Iterator[str]:
    names = ("Time", "Record", "Commit", "Images/s", "Ratio", "Low", "High", "Verdict", "Load")
    head = "".join(f"<th scope='col'>{name}</th>" for name in (*names, "Accepted because"))
    yield "<details><summary>Records</summary><div class='scroll' tabindex='0'><table>"
    yield f"<tr>{head}</tr>"
    for point in reversed(history.points):
        numbers = (point.ratio, point.low, point.high)
        cells = [when(point.at), point.id[:12], point.commit[:12]]
        cells += [f"{point.images_per_second:,.1f}"]
        cells += ["" if number is None else f"{number:.3f}" for number in numbers]
        cells += [point.verdict, f"{point.load:.1f}", point.accepted or ""]
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    yield "</table></div></details>"


def _machines(record: Record, others: Sequence[Record]) -> Iterator[str]:
    """How this series' machine differs from the others on which the same was timed."""
    mine = record.data.get("environment", {})
    for other in others:
        if other.series == record.series and other.fingerprint != record.fingerprint:
            yield f"<details><summary>Machine {other.fingerprint} differs</summary><ul>"
            found = differences(mine, other.data.get("environment", {}))
            yield from (f"<li>{escape(words)}</li>" for words in found)
            yield "</ul></details>"
