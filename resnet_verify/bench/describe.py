"""What a target is, where it is a documented form: its twin, MACs and operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from resnet_verify.process import ProcessError, run_apart


@dataclass(frozen=True)
class Described:
    """What was found out about a target.

    `twin` names its reference, `macs` are those of a forward pass of one image; operators are
    those that the network was captured with. Empty and None where it is not a documented
    form; `why` says why.
    """

    framework: str = ""
    form: str = ""
    twin: str = ""
    macs: int | None = None
    operators: int | None = None
    why: str = ""


def describe(target: str, size: int) -> Described:
    """Identify `target` in a process of its own, for images of `size` x `size` pixels."""
    try:
        return run_apart(_describe, target, size)
    except ProcessError as error:
        return Described(why=str(error))


def _describe(_tell: Callable[..., None], target: str, size: int) -> Described:
    from resnet_ref.derive import table
    from resnet_verify import tune
    from resnet_verify.bench.twin import twin_of
    from resnet_verify.checks import NotRun
    from resnet_verify.graph import Constant, Parameter
    from resnet_verify.judge import Options
    from resnet_verify.target import TargetError, load_target

    after_load = tune.own_process()
    try:
        examination = Options().examination(load_target(target))
        examination.prepare()
        after_load()
        identity = examination.identity
        graph = examination.small_captures[0].match.found.graph
    except (TargetError, NotRun) as why:
        return Described(why=str(why))
    framework = examination.framework
    operators = sum(not isinstance(node.op, Parameter | Constant) for node in graph.nodes)
    if examination.differences:
        first = examination.differences[0]
        why_not = f"it is not the documented {identity.arch} {identity.variant}: {first.where}"
        return Described(framework, operators=operators, why=why_not)
    shape = (1, identity.in_channels, size, size)
    macs = table(examination.match.form.spec, shape).macs
    twin = twin_of(framework, identity)
    return Described(framework, f"{identity.arch} {identity.variant}", twin, macs, operators)
