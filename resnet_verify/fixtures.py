"""What the plugin's fixtures do; `resnet_verify.plugin` imports this on first use."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from resnet_verify.checks import Check, NotRun, all_checks
from resnet_verify.judge import OptionError, Options, unloadable
from resnet_verify.judges import Here, Judge, judge_of
from resnet_verify.report import result_text
from resnet_verify.suite import carry, examine, options_of, split_ids, targets_of
from resnet_verify.target import Target, TargetError, is_model

if TYPE_CHECKING:
    from resnet_verify.examine import Examination

_MARKER_WORDS = ("arch", "variant", "select", "exclude", "expected_failures", "tolerance")


@dataclass(frozen=True)
class _Wishes:
    """What the marker and the command line ask of a test: the marker has precedence."""

    options: Options
    expected_failures: Mapping[str, str] = field(default_factory=dict)


# What judges the targets of the last tests: the checks of a test follow one another.
_JUDGES = pytest.StashKey[dict[tuple[str, bool], "Judge"]]()
_KEPT = 2


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Give a test that uses `resnet_check` one item for each selected check.

    Raises:
        pytest.Collector.CollectError: the marker asks for something that does not exist.
    """
    try:
        checks = _wishes(metafunc.definition).options.checks()
    except OptionError as error:
        message = f"{metafunc.definition.nodeid}: marker 'resnet': {error}"
        raise pytest.Collector.CollectError(message) from None
    ids = [check.id for check in checks]
    metafunc.parametrize("resnet_check", checks, ids=ids, indirect=True)


def _wishes(node: pytest.Item) -> _Wishes:
    options = options_of(node.config)
    marker = node.get_closest_marker("resnet")
    if marker is None:
        return _Wishes(options)
    given = marker.kwargs
    unknown = [*map(repr, marker.args), *(name for name in given if name not in _MARKER_WORDS)]
    if unknown:
        raise OptionError(f"{unknown[0]} is none of {', '.join(_MARKER_WORDS)}")
    expected = given.get("expected_failures", {})
    for check_id in expected:
        if check_id not in all_checks():
            known = ", ".join(all_checks())
            raise OptionError(
                f"expected_failures: no check has the id {check_id!r}; valid: {known}"
            )
    options = replace(
        options,
        arch=given.get("arch", options.arch),
        variant=given.get("variant", options.variant),
        select=split_ids(given.get("select", ())) or options.select,
        exclude=options.exclude + split_ids(given.get("exclude", ())),
        tolerance=given.get("tolerance", options.tolerance),
    )
    return _Wishes(options, expected)


def only_target(config: pytest.Config) -> str:
    """The one target of the command line and the ini file; fails where there is not just one."""
    targets = targets_of(config)
    if len(targets) == 1:
        return targets[0]
    count = "several targets are named" if targets else "no target is named"
    _fail(
        f"{count}: override the fixture 'resnet_target' so that it returns the factory of your "
        "network, or name one target with --resnet-target"
    )


def judge_for(request: pytest.FixtureRequest, wanted: object, device: str, seed: int) -> Judge:
    """What judges the target of a test, shared by all checks of that test and target."""
    isolate = request.config.option.resnet_isolate
    if isolate and not isinstance(wanted, str):
        _fail(
            "--resnet-isolate: a factory of this process cannot be judged in another one; let "
            "the fixture 'resnet_target' give a text like 'package.module:NAME'"
        )
    return _shared(request, wanted, device, seed, isolate=isolate)


def examination_of(
    request: pytest.FixtureRequest, wanted: object, device: str, seed: int
) -> Examination:
    """The examination for a test, in this process, shared as `judge_for` has it."""
    judge = _shared(request, wanted, device, seed, isolate=False)
    assert isinstance(judge, Here)  # as it is where it is not isolated
    return judge.examination


def _shared(
    request: pytest.FixtureRequest, wanted: object, device: str, seed: int, *, isolate: bool
) -> Judge:
    name = _name_of(request.node)
    kept = request.config.stash.setdefault(_JUDGES, {})
    key = (name, isolate)
    if key not in kept:
        options = replace(_wishes(request.node).options, device=device, seed=seed)
        try:
            if isinstance(wanted, str):
                judge = judge_of(wanted, options, isolate=isolate)
            else:
                judge = Here(_target(name, wanted), options)
        except TargetError as error:
            carry(request.node, unloadable(name, error), planned=0)
            _fail(str(error))
        while len(kept) >= _KEPT:
            kept.pop(next(iter(kept))).close()
        kept[key] = judge
        request.config.add_cleanup(judge.close)
    return kept[key]


def _name_of(item: pytest.Item) -> str:
    """The test's id without the check: what is left names the target."""
    node_id = str(item.nodeid)
    check = _check_of(item)
    if check is None:
        return node_id
    for ending in (f"[{check.id}]", f"-{check.id}]"):
        if node_id.endswith(ending):
            return node_id.removesuffix(ending) + ("]" if ending.startswith("-") else "")
    return node_id.replace(check.id, "*")


def _check_of(item: pytest.Item) -> Check | None:
    parameters = getattr(item, "callspec", None)
    check = parameters.params.get("resnet_check") if parameters else None
    return check if isinstance(check, Check) else None


def _target(name: str, wanted: object) -> Target:
    if is_model(wanted):
        return Target(name, lambda: wanted)
    if callable(wanted):
        return Target(name, wanted)
    _fail(
        f"the fixture 'resnet_target' gave {wanted!r}; it has to give a factory: a callable "
        "without arguments that returns a model"
    )


def checker(request: pytest.FixtureRequest, judge: Judge) -> Callable[[], None]:
    """The function that runs the check of this item."""
    check: Check = request.param
    item = request.node
    wishes = _wishes(item)
    command = shlex.join(["pytest", str(request.config.cwd_relative_nodeid(item.nodeid))])
    name = _name_of(item)

    def run() -> None:
        __tracebackhide__ = True
        siblings = (s for s in item.session.items if _check_of(s) and _name_of(s) == name)
        try:
            result, tag = examine(item, judge, check, command, name, siblings)
        except TargetError as error:
            _fail(str(error))
        reason = wishes.expected_failures.get(check.id)
        if result.outcome == "skipped":
            pytest.skip(result.message)
        if result.outcome == "failed" and reason is not None:
            pytest.xfail(reason)
        if result.outcome != "passed":
            _fail(result_text(result, tag))
        if reason is not None:
            _fail(f"{check.id} passes, but is expected to fail ({reason}): expect it no longer")

    return run


def batch(examination: Examination) -> object:
    """The examination's batch as a tensor of the target's framework."""
    tensor: object = examination.adapter.tensor(examination.batch())
    return tensor


def twin(examination: Examination) -> object:
    """A reference network of its own, holding the target's present weights."""
    from resnet_verify.transplant import stored, twin_network

    adapter = examination.adapter
    try:
        weights, _ = examination.held_weights()
    except NotRun as why:
        _fail(str(why))
    with adapter.preserved():
        network = adapter.build(twin_network(examination.match), examination.dtype)
    tensors = examination.tensors_of(network)
    adapter.write(network, None, stored(tensors, weights))
    return network


def throughput(request: pytest.FixtureRequest, examination: Examination) -> Callable[..., float]:
    """The function that times forward passes through the fixture `benchmark`."""
    from resnet_verify.bench.fixture import Counted, extra_info

    benchmark: Any = request.getfixturevalue("benchmark")
    adapter, model = examination.adapter, examination.model

    def measure(batch_size: int = 8, size: int = 224) -> float:
        shape = examination.probe.shape(batch_size, size, size)
        batch, forward = examination.batch(shape), Counted(adapter.forward)
        modes = adapter.modes(model)
        adapter.set_training(model, False)
        try:
            started = time.perf_counter()
            adapter.forward(model, batch)
            seconds = time.perf_counter() - started
            benchmark(forward, model, batch)
        finally:
            adapter.set_modes(model, modes)
        if benchmark.stats is not None:  # None with --benchmark-disable, which pytest -n implies
            seconds = benchmark.stats.stats.median
        rate = batch_size / seconds
        benchmark.extra_info.update(extra_info(examination, forward, rate, shape))
        return rate

    return measure


def _fail(message: str) -> NoReturn:
    __tracebackhide__ = True
    pytest.fail(message, pytrace=False)
