"""An examination: one target, what is known about it, and the checks run on it.

The target is left as it was found.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from resnet_verify.adapters import Capture
from resnet_verify.adapters.outputs import cause
from resnet_verify.checks import Check, NotApplicable, NotRun
from resnet_verify.limits import Late
from resnet_verify.target import TargetError
from resnet_verify.twinned import Twinned
from resnet_verify.verdict import CheckResult, Diagnosis, Identity, Outcome, Verdict

if TYPE_CHECKING:
    from resnet_verify.adapters import Array

HISTORY = (
    "; a new instance with the same weights is right: this one goes wrong after earlier calls, "
    "so the network counts them, or keeps state between them"
)


class Examination(Twinned):
    """What is found out about one target; checks ask it and share its answers.

    Args:
        target: the network under test.
        arch: the architecture it must be; None takes the nearest documented one.
        variant: the variant it must be; None takes the nearest documented one.
        seed: of all random weights and images.
        device: "cpu", or "gpu" where the framework has one.
        tolerance: multiplies every bound of `resnet_verify.tolerance`.
        allow_head: heads ("softmax", "log_softmax") that are no mistake here.

    Raises:
        ValueError: `arch` or `variant` is not documented.
    """

    @contextmanager
    def _left_as_found(self) -> Iterator[None]:
        """Weights, modes and global state are put back, whatever a check does."""
        adapter, model = self.adapter, self.model
        modes = adapter.modes(model)
        _ = self.registered
        with adapter.preserved(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            adapter.use_device(self.device)
            if self._is_borrowed:
                _ = self._original
            try:
                yield
            finally:
                if self._dirty and self._is_borrowed:
                    adapter.write(model, self._any_capture, self._original)
                self._dirty = False
                adapter.set_modes(model, modes)

    @cached_property
    def second_instance(self) -> Any:
        """What the target's factory gives when it is called again."""
        return self.adapter.ready(self.target.create())

    def taken_instance(self) -> Any:
        """The second instance, to be changed by who takes it; the next one asked for is new."""
        taken = self.second_instance
        if not self._is_borrowed:
            del self.second_instance
        return taken

    def as_it_came(self) -> dict[str, Array]:
        """The registered tensors as the target's factory gives them, by key."""
        fresh = self.model if self._is_borrowed else self.second_instance
        keys = [param.key for param in self.adapter.params(fresh)]
        arrays = self.adapter.read(fresh, None, keys)
        pairs = zip(self.registered, keys, strict=True)  # another instance may have other keys
        return {param.key: arrays[key] for param, key in pairs}

    @cached_property
    def _is_borrowed(self) -> bool:
        """Whether the network is the user's own and not one made for this examination."""
        try:
            return self.second_instance is self.model
        except TargetError:  # a factory that works once
            return True

    @cached_property
    def _original(self) -> dict[str, Array]:
        keys = {param.key for param in self.adapter.params(self.model)}
        capture = self._any_capture
        if capture is not None:  # what is used, but not registered
            values = capture.graph.producers
            keys |= {param.key for value in values if (param := capture.graph.param(value))}
        return self.adapter.read(self.model, capture, sorted(keys))

    @property
    def _any_capture(self) -> Capture | None:
        try:
            return self.probe.capture
        except NotRun:
            return None

    def run(self, check: Check) -> CheckResult:
        """Run one check; whatever the target does, the answer is a result."""
        if check.training and not self.adapter.trains:
            why = "the network has no training mode"
            return CheckResult(check.id, "skipped", 0.0, why)
        start = time.perf_counter()
        outcome, message, diagnoses = self._judged(check)
        if diagnoses and self._right_afresh(check):
            diagnoses = tuple(replace(each, message=each.message + HISTORY) for each in diagnoses)
            message = diagnoses[0].message
        self._failed = self._failed or bool(diagnoses)
        seconds = time.perf_counter() - start
        return CheckResult(check.id, outcome, seconds, message, diagnoses=diagnoses)

    def _judged(self, check: Check) -> tuple[Outcome, str, tuple[Diagnosis, ...]]:
        try:
            with self._left_as_found():
                diagnoses = tuple(check.function(self))
        except NotRun as reason:
            return "not_run", str(reason), ()
        except NotApplicable as reason:
            return "skipped", str(reason), ()
        except TargetError:
            raise
        except Exception as error:  # the target's code may raise anything
            return "error", cause(error), ()
        if not diagnoses:
            return "passed", "", ()
        return "failed", diagnoses[0].message, diagnoses

    def _right_afresh(self, check: Check) -> bool:
        """Whether a new instance passes the check that this one, after others, has failed.

        Asked of the first check to fail, where structure shows nothing: what comes later may
        follow from it.
        """
        if self._failed or self._is_borrowed or self._deviates:
            return False
        afresh = Examination(
            self.target,
            arch=self.arch,
            variant=self.variant,
            seed=self.seed,
            device=self.device,
            tolerance=self.tolerance,
            allow_head=self.allow_head,
        )
        try:
            return afresh._judged(check)[0] == "passed"
        except (Late, TargetError):  # then it cannot be known, and the check has failed
            return False

    @property
    def _deviates(self) -> bool:
        """Whether structure shows a mistake, or nothing because it is not known."""
        try:
            return bool(self.differences)
        except NotRun:
            return True

    def verdict(self, results: Sequence[CheckResult]) -> Verdict:
        """The verdict over the results of the checks that were run, in the order of the checks."""
        diagnoses = tuple(diagnosis for result in results for diagnosis in result.diagnoses)
        outcomes = {result.outcome for result in results}
        with self._left_as_found():
            identified = self._identity_if_any()
            totals, advice = self.totals, self._advice()
        if "failed" in outcomes:
            judgement = "defect"
        elif outcomes <= {"passed", "skipped"} and identified is not None:
            judgement = "conforming"
        else:
            judgement = "error"
        return Verdict(
            target=self.target.name,
            framework=self.framework,
            framework_version=self.framework_version,
            judgement=judgement,  # type: ignore[arg-type]
            identified=identified,
            params=totals,
            diagnoses=diagnoses,
            advice=advice,
            seconds=sum(result.seconds for result in results),
            checks=tuple(results),
        )

    def _identity_if_any(self) -> Identity | None:
        try:
            return None if self.is_far else self.identity
        except NotRun:
            return None

    def _advice(self) -> tuple[str, ...]:
        from resnet_verify.advice import advice

        try:
            return tuple(advice(self))
        except NotRun:
            return ()
