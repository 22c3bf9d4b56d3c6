"""Judge a target in a confined process of its own: whatever it does, there is an answer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from resnet_verify.confined import serve
from resnet_verify.confining import MEANINGLESS, Confined, Ended, There
from resnet_verify.report_json import from_wire
from resnet_verify.target import TargetError

if TYPE_CHECKING:
    from resnet_verify.judge import Options
    from resnet_verify.verdict import Verdict

LIMIT = 300.0
"""Seconds that one check may take where the user sets no limit."""

ON_DEMAND = 3600.0
"""The same where a check that runs on demand only is selected, which takes longer."""

LOADING = 120.0
"""Seconds that loading a target may take; where a check may take longer, as long as that."""


class Apart(Confined):
    """A target in a process of its own, as a context; `load` it, then run its checks.

    Args:
        target: what the user wrote.
        options: how it is judged; without a time limit `LIMIT` holds.
        memory: the bytes that the process may hold, None for no bound.
        threads: what it may use of the processor, None for all.
    """

    def __init__(
        self, target: str, options: Options, memory: int | None, threads: int | None = None
    ) -> None:
        self.target = target
        self.died = False  # while it was loaded
        self.framework = self.framework_version = ""  # known once it is loaded
        self._limit = limit_of(options)
        self._loading = max(LOADING, self._limit)
        options = replace(options, timeout=self._limit)
        super().__init__(serve, target, options, self._loading, memory, threads)

    def load(self) -> None:
        """Import the target and make its network.

        Raises:
            TargetError: the target gives no network, or its process ended; its cause is the
                traceback there.
        """
        try:
            answer = self.answer(self._loading)
        except Ended as error:
            self.died = True
            raise TargetError(f"{self.target}: {error}") from None
        if "unloadable" in answer:
            raise TargetError(str(answer["unloadable"])) from There(answer.get("traceback"))
        self.framework = str(answer.get("framework", ""))
        self.framework_version = str(answer.get("version", ""))

    def run(self, check_id: str) -> Verdict:
        """The verdict by one check alone.

        Raises:
            TargetError: the target's factory does not give a network again.
            Ended: there is no answer, and none will come any more.
        """
        with suppress(OSError):  # it has ended: so the answer will say
            self._line.send_bytes(check_id.encode())
        answer = self.answer(self._limit)
        if "unloadable" in answer:
            raise TargetError(str(answer["unloadable"])) from There(answer.get("traceback"))
        try:
            return from_wire(answer)
        except (KeyError, TypeError) as error:
            raise Ended(MEANINGLESS) from error


def limit_of(options: Options) -> float:
    """The seconds that one check may take: the user's limit, or `LIMIT`, or `ON_DEMAND`."""
    if options.timeout is not None:
        return options.timeout
    slow = options.device == "cpu" and any(check.on_demand for check in options.checks())
    return ON_DEMAND if slow else LIMIT
