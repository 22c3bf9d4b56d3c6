"""What `check` and `identify` say and write while targets are judged."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_verify.commands import FAILED, OK, USAGE, colourful, complain
from resnet_verify.judge import LOAD
from resnet_verify.report_json import write_report
from resnet_verify.traces import without_trace

if TYPE_CHECKING:
    from resnet_verify.side_by_side import Judged
    from resnet_verify.verdict import Verdict

_LINES = 12  # of what a target has printed


class Verdicts:
    """Takes verdicts as they come, says them in the order of the targets, writes them at once.

    Args:
        targets: what the user wrote.
        text_of: a verdict in words.
        report: the JSON file to write, if any.
        verbose: say tracebacks and what targets print, too.
    """

    def __init__(
        self,
        targets: Sequence[str],
        text_of: Callable[..., str],
        report: Path | None,
        *,
        verbose: bool,
    ) -> None:
        self._targets = targets
        self._text_of = text_of
        self._report = report
        self._verbose = verbose
        self._judged: dict[int, Judged] = {}
        self._said: set[int] = set()
        self._unwritten = ""

    def take(self, position: int, judged: Judged) -> None:
        """Take the verdict on the target at `position`."""
        self._judged[position] = judged
        self._write([self._judged[place].verdict for place in sorted(self._judged)])
        for place in range(len(self._targets)):
            if place not in self._judged:
                return
            self._say(place, self._judged[place])

    def interrupted(self, begun: Mapping[int, Verdict]) -> None:
        """Say and write what was found, with the verdicts by a part of the checks."""
        verdicts = {place: judged.verdict for place, judged in self._judged.items()}
        verdicts = {**begun, **verdicts}
        if verdicts:
            self._write([verdicts[place] for place in sorted(verdicts)])
        for place in sorted(verdicts):
            if place in self._judged:
                self._say(place, self._judged[place])
            else:
                self._say_verdict(place, begun[place])

    def exit_code(self) -> int:
        """The exit code of the command, all targets being judged."""
        if self._unwritten:
            return complain(self._unwritten)
        verdicts = [judged.verdict for judged in self._judged.values()]
        if any(d.check == LOAD for verdict in verdicts for d in verdict.diagnoses):
            return USAGE
        return OK if all(verdict.judgement == "conforming" for verdict in verdicts) else FAILED

    def _write(self, verdicts: Sequence[Verdict]) -> None:
        if self._report is None:
            return
        try:
            write_report(self._report, verdicts)
            self._unwritten = ""
        except OSError as error:
            self._unwritten = f"--json {self._report}: {error.strerror or error}"

    def _say(self, place: int, judged: Judged) -> None:
        if place in self._said:
            return
        if judged.error is None:
            self._say_verdict(place, judged.verdict)
        else:
            self._said.add(place)
            if self._verbose:
                traceback.print_exception(judged.error)
            complain(str(judged.error))
        if judged.died or self._verbose:
            show_printed(self._targets[place], judged.printed)

    def _say_verdict(self, place: int, verdict: Verdict) -> None:
        gap = "\n" * bool(self._said)
        self._said.add(place)
        print(gap + self._text_of(verdict, colour=colourful(sys.stdout)), flush=True)


def show_printed(target: str, printed: str) -> None:
    """Say on stderr the last lines that a target has printed, if any."""
    lines = without_trace(printed).strip().splitlines()[-_LINES:]
    shown = ["".join(c if c.isprintable() or c == "\t" else "?" for c in line) for line in lines]
    title = f"resnet-verify: the last that {target} printed:"
    if shown:
        print("\n".join([title, *("  | " + s for s in shown)]), file=sys.stderr, flush=True)
