"""Run checks on a target and put what they found together: what pytest and the CLI share."""

from __future__ import annotations

import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from resnet_verify.checks import all_checks, select_checks
from resnet_verify.target import Target, TargetError
from resnet_verify.verdict import CheckResult, Diagnosis, Judgement, Verdict

if TYPE_CHECKING:
    from types import FrameType

    from resnet_verify.checks import Check
    from resnet_verify.examine import Examination

# The `check` of the diagnosis that says why a target could not be loaded.
LOAD = "LOAD"


class OptionError(ValueError):
    """An option's value makes no sense; the message says which make sense."""


class _Late(BaseException):
    """The time limit of a check is over. No `Exception`: nothing may mistake it for a fault."""


@dataclass(frozen=True)
class Options:
    """How a target is judged. `timeout` is in seconds per check, None for no limit."""

    arch: str | None = None
    variant: str | None = None
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    seed: int = 0
    device: str = "cpu"
    tolerance: float = 1.0
    allow_head: tuple[str, ...] = ()
    timeout: float | None = None

    def checks(self) -> list[Check]:
        """The selected checks, most-causal first.

        Raises:
            OptionError: an entry selects nothing or the form is not documented.
        """
        from resnet_ref.spec import VARIANT_NAMES, spec

        try:
            if self.arch is not None:
                spec(self.arch, self.variant)
            elif self.variant is not None and self.variant not in VARIANT_NAMES:
                known = ", ".join(VARIANT_NAMES)
                raise OptionError(f"unknown variant {self.variant!r}; known: {known}")
            found = select_checks(self.select, self.exclude)
        except ValueError as error:
            raise OptionError(str(error)) from error
        if not found:
            raise OptionError("these selections leave no check to run")
        return found

    def examination(self, target: Target) -> Examination:
        """The examination of `target` under these options; nothing is created yet."""
        from resnet_verify.examine import Examination

        return Examination(
            target,
            arch=self.arch,
            variant=self.variant,
            seed=self.seed,
            device=self.device,
            tolerance=self.tolerance,
            allow_head=self.allow_head,
        )

    def words(self) -> list[str]:
        """These options as words of a `resnet-verify check` command, defaults left out."""
        words = []
        if self.arch is not None:
            words += ["--arch", self.arch]
        if self.variant is not None:
            words += ["--variant", self.variant]
        for head in self.allow_head:
            words += ["--allow-head", head]
        if self.seed:
            words += ["--seed", str(self.seed)]
        if self.device == "gpu":
            words += ["--gpu"]
        return words


def reproduce_command(target: str, options: Options, check_id: str) -> str:
    """The shell command that runs this one check on `target` again."""
    words = ["resnet-verify", "check", target, *options.words(), "--select", check_id]
    return shlex.join(words)


def run_check(
    examination: Examination, check: Check, timeout: float | None, reproduce: str
) -> CheckResult:
    """Run one check; one that takes longer than `timeout` seconds has the outcome "error".

    Raises:
        TargetError: the target's factory does not give a model.
    """
    started = time.perf_counter()
    try:
        with deadline(timeout):
            found = examination.run(check)
    except _Late:
        seconds = time.perf_counter() - started
        message = f"no answer within the time limit of {timeout:g} s"
        found = CheckResult(check.id, "error", seconds, message)
    return replace(found, reproduce=reproduce)


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Interrupt the body after `seconds`, as soon as the Python interpreter has its turn again."""
    if seconds is None:
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise _Late

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def seconds_limit(text: str) -> float:
    """A time limit in seconds, as the user writes it.

    Raises:
        OptionError: it is no positive number, or this platform or thread cannot keep limits.
    """
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not 0 < limit < float("inf"):
        raise OptionError(f"a time limit is a positive number of seconds, not {text!r}")
    if not hasattr(signal, "setitimer"):
        raise OptionError("time limits need signal.setitimer, which this platform lacks")
    if threading.current_thread() is not threading.main_thread():
        raise OptionError("time limits work in the main thread only")
    return limit


def judge(
    examination: Examination,
    target: str,
    options: Options,
    progress: Callable[[str, int, int], None],
) -> Verdict:
    """Run all selected checks on a target.

    `progress` is called before each check with its id, its number from 1, and how many there are.

    Raises:
        TargetError: the target's factory does not give a model.
        OptionError: the options make no sense.
    """
    checks = options.checks()
    results = []
    for number, check in enumerate(checks, 1):
        progress(check.id, number, len(checks))
        command = reproduce_command(target, options, check.id)
        results.append(run_check(examination, check, options.timeout, command))
    return examination.verdict(results)


def unloadable(target: str, error: TargetError) -> Verdict:
    """The verdict on a target that could not be loaded: an error, with the one message."""
    message = str(error)
    diagnosis = Diagnosis(LOAD, target, "a network that can be built", "none", message)
    return Verdict(target, "", "", "error", None, None, (diagnosis,), (), 0.0, ())


def merge(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict of several on the same target, each from some of its checks.

    Checks come in the registry's order and diagnoses in the order of their checks.
    """
    order = {check_id: position for position, check_id in enumerate(all_checks())}
    checks = sorted((c for v in verdicts for c in v.checks), key=lambda c: order.get(c.id, -1))
    diagnoses = sorted(
        (d for v in verdicts for d in v.diagnoses), key=lambda d: order.get(d.check, -1)
    )
    identified = next((v.identified for v in verdicts if v.identified), None)
    return replace(
        next((v for v in verdicts if v.framework), verdicts[0]),
        judgement=_worst(v.judgement for v in verdicts),
        identified=identified,
        params=next((v.params for v in verdicts if v.params), None),
        diagnoses=tuple(dict.fromkeys(diagnoses)),
        advice=tuple(dict.fromkeys(a for v in verdicts for a in v.advice)),
        seconds=sum(v.seconds for v in verdicts),
        checks=tuple(checks),
    )


def _worst(judgements: Iterable[Judgement]) -> Judgement:
    found = set(judgements)
    order: tuple[Judgement, ...] = ("defect", "error", "conforming")
    return next(judgement for judgement in order if judgement in found)
