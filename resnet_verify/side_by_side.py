"""Judge several targets, each in a confined process of its own, some of them at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from resnet_ref.tuning import cores
from resnet_verify.confining import Ended, memory_bound
from resnet_verify.isolation import Apart, limit_of
from resnet_verify.judge import Judging, Options, unloadable
from resnet_verify.target import TargetError

if TYPE_CHECKING:
    from resnet_verify.checks import Check
    from resnet_verify.verdict import Verdict

Tell = Callable[[int, str, int, int], None]
"""Is told the position of a target, a check's id, its number from 1, and how many there are."""


@dataclass(frozen=True)
class Judged:
    """A target's verdict, and why it could not be loaded, if so.

    `printed` is the last of what it has printed, `died` whether its process ended on its own.
    """

    verdict: Verdict
    error: TargetError | None = None
    printed: str = ""
    died: bool = False


class SideBySide:
    """Targets that are judged, `jobs` of them at a time; a context that leaves no process behind.

    Raises:
        OptionError: the options make no sense.
    """

    def __init__(self, targets: Sequence[str], options: Options, jobs: int, tell: Tell) -> None:
        limited = replace(options, timeout=limit_of(options))
        self._judgings = [Judging(target, limited) for target in targets]
        self._pool = ThreadPoolExecutor(jobs)
        self._tell = tell
        self._apart: dict[int, Apart] = {}
        self._lock = Lock()
        self._stopped = False
        self._memory = memory_bound(options.device)
        self._threads = max(1, cores() // jobs) if jobs > 1 else None

    def __enter__(self) -> SideBySide:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stopped = True
        with self._lock:
            running = list(self._apart.values())
        for apart in running:
            apart.stop()
        self._pool.shutdown(cancel_futures=True)

    def judged(self) -> Iterator[tuple[int, Judged]]:
        """Positions of targets and what was found, as they come."""
        positions: dict[Future[Judged], int] = {
            self._pool.submit(self._judge, position): position
            for position in range(len(self._judgings))
        }
        pending = set(positions)
        while pending:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in sorted(finished, key=positions.__getitem__):
                yield positions[future], future.result()

    def begun(self) -> Iterator[tuple[int, Verdict]]:
        """Positions of the targets that were begun, and the verdicts by what was found so far."""
        for position, judging in enumerate(self._judgings):
            if judging.begun:
                yield position, judging.verdict("judging was interrupted")

    def _judge(self, position: int) -> Judged:
        judging = self._judgings[position]
        apart = Apart(judging.target, judging.options, self._memory, self._threads)
        with self._lock:
            self._apart[position] = apart
        if self._stopped:
            apart.stop()
        try:
            with apart:
                return self._by(apart, position, judging)
        finally:
            with self._lock:
                del self._apart[position]

    def _by(self, apart: Apart, position: int, judging: Judging) -> Judged:
        def tell(check_id: str, number: int, total: int) -> None:
            self._tell(position, check_id, number, total)

        def by_one(check: Check) -> Verdict:
            return apart.run(check.id)

        error, died = None, False
        try:
            apart.load()
            judging.framework = (apart.framework, apart.framework_version)
            verdict = judging.run(by_one, tell)
        except TargetError as problem:
            error, died = problem, apart.died
            verdict = unloadable(judging.target, problem)
        except Ended as end:
            died = True
            verdict = judging.verdict("the target's process had ended", last=str(end))
        return Judged(verdict, error, apart.printed, died)
