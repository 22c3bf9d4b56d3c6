"""The conformance suite that `--resnet-target` adds to a pytest session: one item per check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from resnet_verify.judge import (
    OptionError,
    Options,
    merge,
    reproduce_command,
    seconds_limit,
    unloadable,
)
from resnet_verify.judges import Here, judge_of
from resnet_verify.plugin import FOUND
from resnet_verify.report import result_text
from resnet_verify.report_json import from_wire, to_wire, write_report
from resnet_verify.target import TargetError, load_target

if TYPE_CHECKING:
    from resnet_verify.checks import Check
    from resnet_verify.judges import Judge
    from resnet_verify.verdict import CheckResult, Verdict


class CheckFailed(Exception):
    """A check of the suite did not pass; the message is its report."""


def targets_of(config: pytest.Config) -> list[str]:
    """The targets that the command line and the ini file name, each once."""
    return list(dict.fromkeys([*config.option.resnet_target, *config.getini("resnet_targets")]))


def options_of(config: pytest.Config) -> Options:
    """The options of the command line.

    Raises:
        OptionError: the time limit makes no sense.
    """
    given = config.option
    limit = given.resnet_timeout
    return Options(
        arch=given.resnet_arch,
        variant=given.resnet_variant,
        select=split_ids(given.resnet_select),
        exclude=split_ids(given.resnet_exclude),
        device="gpu" if given.resnet_gpu else "cpu",
        timeout=None if limit is None else seconds_limit(limit),
    )


def split_ids(given: str | Iterable[str]) -> tuple[str, ...]:
    """Ids out of one text or several, each a list separated by commas."""
    texts = [given] if isinstance(given, str) else given
    return tuple(word.strip() for text in texts for word in text.split(","))


def require_sound_options(config: pytest.Config) -> None:
    """Refuse the session where its options make no sense.

    Raises:
        pytest.UsageError: a check, form or time limit is unknown; the report cannot be
            written; a GPU is demanded and there is none.
    """
    try:
        options_of(config).checks()
    except OptionError as error:
        raise pytest.UsageError(f"resnet-verify: {error}") from None
    report = config.option.resnet_json
    if report and not Path(report).absolute().parent.is_dir():
        raise pytest.UsageError(f"--resnet-json {report}: there is no folder {Path(report).parent}")
    if config.option.resnet_gpu:
        from resnet_verify.gpu import why_unusable

        if why := why_unusable():
            raise pytest.UsageError(f"--resnet-gpu: {why}")


class TargetSuites:
    """Puts a collector for each target beside the session's own."""

    def __init__(self, config: pytest.Config) -> None:
        self._targets = targets_of(config)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Iterator[None]:
        """Extend what the session collects, and let an unloadable target be known."""
        outcome: Any = yield
        report = outcome.get_result()
        if isinstance(collector, pytest.Session) and report.passed and self._targets:
            root = _Suites.from_parent(collector, name="resnet", nodeid="resnet")
            root.targets = self._targets
            report.result.append(root)
        if isinstance(collector, _TargetSuite) and collector.unloadable is not None:
            verdict = unloadable(collector.name, collector.unloadable)
            report.resnet = {"verdict": to_wire(verdict), "planned": 0}


class _Suites(pytest.Collector):
    targets: Sequence[str] = ()

    def collect(self) -> Iterable[pytest.Collector]:
        return [_TargetSuite.from_parent(self, name=target) for target in self.targets]


class _TargetSuite(pytest.Collector):
    """The suite of one target. The target is loaded here: where it cannot, there is one error."""

    unloadable: TargetError | None = None
    _judge: Judge | None = None

    def collect(self) -> Iterable[pytest.Item]:
        if not self.config.option.collectonly:
            try:
                self.judge()
            except TargetError as error:
                self.unloadable = error
                raise self.CollectError(str(error)) from error
        if self.config.getoption("benchmark_only", default=False):
            # As a test function has it: pytest-benchmark's fixture belongs to functions.
            return [pytest.Function.from_parent(self, name="throughput", callobj=self._throughput)]
        checks = options_of(self.config).checks()
        return [_CheckItem.from_parent(self, name=check.id, check=check) for check in checks]

    def judge(self) -> Judge:
        """What judges the target, made on the first call and again after `teardown`."""
        if self._judge is None:
            isolate = self.config.option.resnet_isolate
            self._judge = judge_of(self.name, options_of(self.config), isolate=isolate)
            self.config.add_cleanup(self._judge.close)
        return self._judge

    def _throughput(self, request: pytest.FixtureRequest, benchmark: Any) -> None:
        """Time forward passes of the target: what `--benchmark-only` makes of its suite."""
        from resnet_verify.fixtures import throughput

        judge = self.judge()
        if not isinstance(judge, Here):
            judge = Here(load_target(self.name), options_of(self.config))
        benchmark.group = "resnet throughput"
        throughput(request, judge.examination)()

    def teardown(self) -> None:
        if self._judge is not None:
            self._judge.close()
        self._judge = None


class _CheckItem(pytest.Item):
    def __init__(self, *, check: Check, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._check = check

    def runtest(self) -> None:
        suite = self.parent
        assert isinstance(suite, _TargetSuite)
        options = options_of(self.config)
        command = reproduce_command(suite.name, options, self._check.id)
        siblings = (item for item in self.session.items if item.parent is suite)
        result, tag = examine(self, suite.judge(), self._check, command, suite.name, siblings)
        if result.outcome == "skipped":
            pytest.skip(result.message)
        if result.outcome != "passed":
            raise CheckFailed(result_text(result, tag))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, CheckFailed | TargetError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"{self._check.id} of {self.parent.name if self.parent else ''}"


def examine(
    item: pytest.Item,
    judge: Judge,
    check: Check,
    reproduce: str,
    name: str,
    siblings: Iterable[pytest.Item],
) -> tuple[CheckResult, str]:
    """Run a check and let the item's report carry what it found, under the target's name.

    `siblings` are the items of the same target that the session is going to run.

    Returns:
        What was found, and the target and its framework as diagnoses show them.
    """
    verdict = replace(judge.judged_by(check, reproduce), target=name)
    carry(item, verdict, planned=sum(1 for _ in siblings))
    framework = f", {verdict.framework} {verdict.framework_version}" if verdict.framework else ""
    return verdict.checks[0], f"[{name}{framework}]"


def carry(item: pytest.Item, verdict: Verdict, *, planned: int) -> None:
    """Let the item's report carry a verdict that is one of `planned` parts."""
    item.stash[FOUND] = {"verdict": to_wire(verdict), "planned": planned}


def conclude(config: pytest.Config, found: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    """One verdict for each target, as they are named, written to `--resnet-json` if given.

    A target of which not all planned checks have run does not conform.
    """
    parts: dict[str, dict[str, Verdict]] = {}
    planned: dict[str, int] = {}
    for data in found:
        verdict = from_wire(data["verdict"])
        key = verdict.checks[0].id if verdict.checks else ""
        parts.setdefault(verdict.target, {})[key] = verdict
        planned[verdict.target] = data["planned"]
    named = targets_of(config)
    order = sorted(parts, key=lambda name: named.index(name) if name in named else len(named))
    verdicts = [_complete(merge(list(parts[name].values())), planned[name]) for name in order]
    if config.option.resnet_json:
        write_report(Path(config.option.resnet_json), verdicts)
    return verdicts


def _complete(verdict: Verdict, planned: int) -> Verdict:
    missing = planned - len(verdict.checks)
    if verdict.judgement != "conforming" or not missing:
        return verdict
    advice = f"the session stopped before {missing} of {planned} checks, so nothing is certain"
    return replace(verdict, judgement="error", advice=(advice, *verdict.advice))
