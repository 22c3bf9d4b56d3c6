"""Run checks on a target and put what they found together: what pytest and the CLI share."""

from __future__ import annotations

import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from resnet_verify.adapters.outputs import cause
from resnet_verify.checks import all_checks, select_checks
from resnet_verify.limits import Late, deadline
from resnet_verify.target import Target, TargetError
from resnet_verify.verdict import CheckResult, Diagnosis, Judgement, Verdict

if TYPE_CHECKING:
    from resnet_verify.checks import Check
    from resnet_verify.examine import Examination

# The `check` of the diagnosis that says why a target could not be loaded.
LOAD = "LOAD"

PATIENCE = 2
"""Checks that may exceed the time limit; after these a target is given up."""


class OptionError(ValueError):
    """An option's value makes no sense; the message says which make sense."""


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
        from resnet_ref.spec import spec
        from resnet_ref.variants import VARIANT_NAMES

        try:
            if self.arch is not None:
                spec(self.arch, self.variant)
            elif self.variant is not None and self.variant not in VARIANT_NAMES:
                known = ", ".join(VARIANT_NAMES)
                raise OptionError(f"unknown variant {self.variant!r}; known: {known}")
            found = select_checks(self.select, self.exclude, on_demand=self.device == "gpu")
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
    except (Late, SystemExit) as error:
        seconds = time.perf_counter() - started
        message = str(error) if isinstance(error, Late) else cause(error)
        found = CheckResult(check.id, "error", seconds, message)
    return replace(found, reproduce=reproduce)


def judged_by(
    examination: Examination, check: Check, target: str, options: Options, reproduce: str = ""
) -> Verdict:
    """The verdict on a target by one check alone.

    Raises:
        TargetError: the target's factory does not give a model.
    """
    reproduce = reproduce or reproduce_command(target, options, check.id)
    result = run_check(examination, check, options.timeout, reproduce)
    return replace(conclusion(examination, [result], options.timeout), target=target)


def conclusion(
    examination: Examination, results: Sequence[CheckResult], timeout: float | None
) -> Verdict:
    """The verdict over the results; where the target keeps from saying more, over them alone."""
    known = bare_verdict(
        examination.target.name, results, examination.framework, examination.framework_version
    )
    if was_late(results, timeout):
        return known
    try:
        with deadline(timeout):
            return examination.verdict(results)
    except (Late, SystemExit, Exception):  # the target's code may raise anything
        return known


def was_late(results: Iterable[CheckResult], limit: float | None) -> bool:
    """Whether a check was interrupted for its time limit."""
    return limit is not None and any(r.outcome == "error" and r.seconds >= limit for r in results)


def bare_verdict(
    target: str, results: Sequence[CheckResult], framework: str = "", version: str = ""
) -> Verdict:
    """The verdict by results alone, for a target of which nothing else is known."""
    outcomes = {result.outcome for result in results}
    judgement: Judgement = "defect" if "failed" in outcomes else "error"
    diagnoses = tuple(diagnosis for result in results for diagnosis in result.diagnoses)
    seconds = sum(result.seconds for result in results)
    return Verdict(
        target, framework, version, judgement, None, None, diagnoses, (), seconds, tuple(results)
    )


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


class Judging:
    """The checks of one target, one after another; what they found is kept, come what may.

    Args:
        target: what the user wrote.
        options: how it is judged.

    Raises:
        OptionError: the options make no sense.
    """

    def __init__(self, target: str, options: Options) -> None:
        self.target = target
        self.options = options
        self._checks = options.checks()
        self.framework = ("", "")  # its name and version, as far as they are known
        self._parts: list[Verdict] = []

    @property
    def begun(self) -> bool:
        """Whether a check has been run."""
        return bool(self._parts)

    def run(
        self,
        by_one: Callable[[Check], Verdict],
        progress: Callable[[str, int, int], None],
    ) -> Verdict:
        """Run the checks in order, each by `by_one`, which gives the verdict by that one alone.

        `progress` is called before each with its id, its number from 1, and how many there are.

        Raises:
            TargetError: the target's factory does not give a model.
        """
        limit = self.options.timeout
        for number, check in enumerate(self._checks, 1):
            if sum(was_late(part.checks, limit) for part in self._parts) == PATIENCE:
                return self.verdict(f"{PATIENCE} checks took longer than the time limit")
            progress(check.id, number, len(self._checks))
            self._parts.append(by_one(check))
        return self.verdict()

    def verdict(self, why_no_more: str = "", *, last: str = "") -> Verdict:
        """The verdict over what was found; the checks that were not begun are not run.

        `last` is what went wrong with the check that was begun and gave no answer.
        """
        rest = self._checks[len(self._parts) :]
        results = []
        for check in rest:
            command = reproduce_command(self.target, self.options, check.id)
            if last and check is rest[0]:
                results.append(CheckResult(check.id, "error", 0.0, last, command))
            else:
                results.append(CheckResult(check.id, "not_run", 0.0, why_no_more, command))
        parts = list(self._parts)
        return merge(parts + [bare_verdict(self.target, results, *self.framework)] * bool(rest))


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
