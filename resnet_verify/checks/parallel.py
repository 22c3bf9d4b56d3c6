"""Data parallelism: two processes train the target as one process would."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from resnet_verify import parallel
from resnet_verify.adapters.outputs import cause
from resnet_verify.checks import NotApplicable, NotRun, check
from resnet_verify.checks.numerics import bound_of, settled
from resnet_verify.parallel import WORLD, Alone, CannotJoin, Passed, Plan
from resnet_verify.process import ProcessError
from resnet_verify.strategies import random_batch
from resnet_verify.target import TargetError
from resnet_verify.tolerance import Gap, gap
from resnet_verify.verdict import Diagnosis

if TYPE_CHECKING:
    from resnet_verify.adapters import Array
    from resnet_verify.examine import Examination
    from resnet_verify.graph import Param

CHECK = "DIS-DATA"
AT_LEAST, TIMES = 120.0, 20.0
"""Seconds that two processes are given, and how many times what one alone took: beyond both they
wait for each other."""


@check(
    CHECK,
    source="Li et al. 2020, https://arxiv.org/abs/2006.15704: the same as local training",
    training=True,
    on_demand=True,
)
def data_parallel(examination: Examination) -> Iterator[Diagnosis]:
    """Two processes with half of a batch each train it as one process does.

    Two fresh processes load the target as a launcher would have them, are joined over gloo on the
    CPU, and wrap it in PyTorch's DistributedDataParallel or Paddle's DataParallel, with their
    defaults. After a pass of each over its own images, outputs, gradients and running statistics
    are compared with those of a third process that does the work of both. Gradients have to be
    the mean of both in both. Plain batch norms normalise by the images of their own process, and
    their statistics are those of the first process before each pass in PyTorch, each process's
    own in Paddle; norms that share statistics have to give what the joint batch gives. MindSpore
    is not judged. It takes half a minute or so, and runs where it is selected or on a GPU.
    """
    plan = _plan(examination)
    params = examination.adapter.params(examination.model)
    started = time.monotonic()
    try:
        alone = parallel.alone(plan)
    except (TargetError, ProcessError) as error:
        raise NotRun(f"a fresh process does not train it: {error}") from error
    except Exception as error:  # the target's code may raise anything
        raise NotRun(f"one process alone does not train it: {cause(error)}") from error
    limit = max(AT_LEAST, TIMES * (time.monotonic() - started))
    unused = [param for param, *gradients in _gradients(params, alone.halves) if not any(
        gradient is not None for gradient in gradients)]  # fmt: skip
    if unused:
        yield _unused(examination, unused)
        return
    try:
        found = parallel.together(plan, limit)
    except CannotJoin as error:
        raise NotRun(f"two processes cannot be joined here: {error}") from error
    except Exception as error:  # the target's code may raise anything
        yield _raised(error)
        return
    yield from _differences(examination, params, found, _expected(alone, found))


def _plan(examination: Examination) -> Plan:
    name = examination.framework
    if name not in parallel.FRAMEWORKS:
        known = " and ".join(parallel.FRAMEWORKS)
        raise NotRun(f"how {name} joins processes on a CPU is not known here, only how {known} do")
    if not examination.target.text:
        raise NotRun(
            "its factory exists in this process only; name the network as "
            "'package.module:NAME' or 'path/file.py:NAME', and other processes can load it"
        )
    adapter, model = examination.adapter, examination.model
    params = adapter.params(model)
    if not any(param.trainable for param in params):
        raise NotApplicable("no parameter of it is trainable")
    batch, _ = settled(examination)
    arrays = adapter.read(model, None, [param.key for param in params])
    adapter.set_training(model, training=True)
    floating = [one for one in adapter.forward(model, batch) if one.dtype.kind == "f"]
    shape = len(batch), sum(one[0].size for one in floating)
    return Plan(
        examination.target.text,
        name,
        examination.seed,
        tuple(arrays[param.key] for param in params),
        tuple(examination.batch(batch.shape, seed) for seed in range(WORLD)),
        tuple(random_batch(shape, examination.seed + 7 + rank) for rank in range(WORLD)),
    )


def _gradients(
    params: Sequence[Param], passes: Sequence[Passed]
) -> Iterator[tuple[Param, Array | None, Array | None]]:
    """The gradients that each of two passes gives a trainable parameter."""
    for param, *gradients in zip(params, *(one.gradients for one in passes), strict=True):
        if param.trainable:
            yield param, *gradients


def _unused(examination: Examination, unused: Sequence[Param]) -> Diagnosis:
    where = examination.in_words(unused[0])
    others = f" (and {len(unused) - 1} others)" if unused[1:] else ""
    return Diagnosis(
        CHECK, where, "a gradient from every pass", "none",
        f"{where}{others}: trainable, but without a gradient: processes that average gradients "
        "wait for it, and stop at the second step",
    )  # fmt: skip


def _raised(error: Exception) -> Diagnosis:
    if isinstance(error, TimeoutError):
        words = f"{error}: the processes wait for each other"
    else:
        words = str(error) if isinstance(error, ProcessError) else cause(error)
    return Diagnosis(
        CHECK, "the whole network", "trains in two processes as in one", words,
        f"one process trains it, two do not: {words}",
    )  # fmt: skip


def _expected(alone: Alone, found: Sequence[Passed]) -> list[Passed]:
    """What each process has to give: by its own images, or by all, where norms share statistics."""
    halves = alone.halves
    mean = tuple(map(_mean, *(half.gradients for half in halves)))
    own = [replace(half, gradients=mean) for half in halves]
    if alone.joint is None:
        return own
    joint = alone.joint
    mean = tuple(None if each is None else each / WORLD for each in joint.gradients)
    parts = zip(np.split(joint.output, WORLD), np.split(joint.evaluated, WORLD), strict=True)
    shared = [Passed(output, evaluated, mean, joint.tensors) for output, evaluated in parts]

    def nearest(expected: Sequence[Passed]) -> float:
        """How near the process comes that comes nearest."""
        pairs = zip(found, expected, strict=True)
        return min(gap(have.output, want.output).norm for have, want in pairs)

    return min(own, shared, key=nearest)


def _mean(*gradients: Array | None) -> Array | None:
    present = [gradient for gradient in gradients if gradient is not None]
    return np.asarray(sum(present) / WORLD) if present else None


def _differences(
    examination: Examination,
    params: Sequence[Param],
    found: Sequence[Passed],
    expected: Sequence[Passed],
) -> Iterator[Diagnosis]:
    """The first of what the processes give otherwise: the rest follows from it."""
    pairs = list(zip(found, expected, strict=True))
    limit = bound_of(examination, "training")
    for rank, (have, want) in enumerate(pairs):
        distance = gap(have.output, want.output)
        if distance.exceeds(limit):
            yield _difference(
                "the output", rank, "that of one process on the same images", distance,
                "is not that of one process on the same images",
                "what it computes depends on the process, or on what is not registered and so "
                "not the same in both",
            )  # fmt: skip
            return
    wrong = [*_wrong_gradients(examination, params, pairs)]
    wrong = wrong or [*_wrong_statistics(examination, params, pairs)]
    yield from wrong[:1]
    for rank, (have, want) in enumerate(pairs):
        distance = gap(have.evaluated, want.evaluated)
        if not wrong and distance.exceeds(limit):
            yield _difference(
                "the output in evaluation mode", rank, "that of one process", distance,
                "afterwards is not that of one process",
                "statistics that are not registered differ between processes",
            )  # fmt: skip
            return


def _wrong_gradients(
    examination: Examination, params: Sequence[Param], pairs: Sequence[tuple[Passed, Passed]]
) -> Iterator[Diagnosis]:
    limit = bound_of(examination, "gradient")
    for rank, (have, want) in enumerate(pairs):
        lengths = [np.linalg.norm(each) for each in want.gradients if each is not None]
        floor = float(max(lengths)) * 1e-3  # below rounding of the largest one
        for param, gradient, wanted in _gradients(params, (have, want)):
            if gradient is None or wanted is None:
                continue
            distance = gap(gradient, wanted, floor)
            if distance.exceeds(limit):
                yield _difference(
                    f"{examination.in_words(param)}: its gradient", rank,
                    "the mean of both processes' gradients", distance,
                    "is not the mean of both processes'",
                    "it is left out when they are exchanged, or what processes share before is "
                    "not differentiated",
                )  # fmt: skip


def _wrong_statistics(
    examination: Examination, params: Sequence[Param], pairs: Sequence[tuple[Passed, Passed]]
) -> Iterator[Diagnosis]:
    limit = bound_of(examination, "training")
    for rank, (have, want) in enumerate(pairs):
        for param, value, wanted in zip(params, have.tensors, want.tensors, strict=True):
            distance = gap(value, wanted, floor=1e-3)
            if not param.trainable and distance.exceeds(limit):
                yield _difference(
                    examination.in_words(param), rank,
                    "what the images make of the first process's", distance,
                    "is not what the images make of the first process's",
                    "processes do not begin with the same, or share it wrongly",
                )  # fmt: skip


def _difference(
    where: str, rank: int, expected: str, distance: Gap, words: str, why: str
) -> Diagnosis:
    text = str(distance)
    place = f"{where}, in process {rank}"
    return Diagnosis(
        CHECK, place, expected, text, f"{where} in process {rank} {words} ({text}): {why}"
    )
