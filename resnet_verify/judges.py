"""What judges a target of a pytest session: its own process, or a confined one for the target."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from resnet_verify.confining import Ended, memory_bound
from resnet_verify.isolation import Apart, limit_of
from resnet_verify.judge import PATIENCE, bare_verdict, judged_by, was_late
from resnet_verify.target import Target, load_target
from resnet_verify.verdict import CheckResult

if TYPE_CHECKING:
    from resnet_verify.checks import Check
    from resnet_verify.judge import Options
    from resnet_verify.verdict import Verdict


class Judge(Protocol):
    """Judges one target by one check at a time."""

    def judged_by(self, check: Check, reproduce: str) -> Verdict:
        """The verdict by one check alone; `reproduce` is the command that runs it again.

        Raises:
            TargetError: the target's factory does not give a model.
        """
        ...

    def close(self) -> None:
        """End what was begun for it."""
        ...


class Here:
    """Judges in this process.

    Raises:
        TargetError: the target does not give a network.
    """

    def __init__(self, target: Target, options: Options) -> None:
        self._options = options
        with framework_warnings_apart():
            self.examination = options.examination(target)
            self.examination.prepare()

    def judged_by(self, check: Check, reproduce: str) -> Verdict:
        """See `Judge`."""
        name = self.examination.target.name
        with framework_warnings_apart():
            return judged_by(self.examination, check, name, self._options, reproduce)

    def close(self) -> None:
        """Let go of the networks, which may be large."""
        vars(self).pop("examination", None)


class Elsewhere:
    """Judges in a confined process; once that has ended, no check is run any more.

    Raises:
        TargetError: the target does not give a network.
    """

    def __init__(self, target: str, options: Options) -> None:
        self._options = replace(options, timeout=limit_of(options))
        self._target = target
        self._late = 0
        self._why_no_more = ""
        self._apart = Apart(target, self._options, memory_bound(options.device))
        try:
            self._apart.__enter__()
            self._apart.load()
        except BaseException:
            self.close()
            raise

    def judged_by(self, check: Check, reproduce: str) -> Verdict:
        """See `Judge`."""
        if self._why_no_more:
            result = CheckResult(check.id, "not_run", 0.0, self._why_no_more, reproduce)
            return self._by(result)
        try:
            found = self._apart.run(check.id)
        except Ended as error:
            self._why_no_more = "the target's process had ended"
            result = CheckResult(check.id, "error", 0.0, str(error), reproduce)
            return self._by(result)
        self._late += was_late(found.checks, self._options.timeout)
        if self._late == PATIENCE:
            self._why_no_more = f"{PATIENCE} checks took longer than the time limit"
        return replace(found, checks=(replace(found.checks[0], reproduce=reproduce),))

    def _by(self, result: CheckResult) -> Verdict:
        apart = self._apart
        return bare_verdict(self._target, [result], apart.framework, apart.framework_version)

    def close(self) -> None:
        """See `Judge`."""
        self._apart.close()


def judge_of(target: str, options: Options, *, isolate: bool) -> Judge:
    """What judges the target that the user wrote.

    Raises:
        TargetError: the target does not give a network.
    """
    if isolate:
        return Elsewhere(target, options)
    with framework_warnings_apart():
        found = load_target(target)
    return Here(found, options)


@contextmanager
def framework_warnings_apart() -> Iterator[None]:
    """Show warnings, but never as errors: a session's filters are for its own code."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.filterwarnings("ignore", message="No ccache found")
        yield
