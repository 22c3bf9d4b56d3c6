"""Training: outputs, running statistics, gradients and steps, against the twin's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from resnet_verify.adapters.outputs import cause
from resnet_verify.axes import in_shape
from resnet_verify.checks import NotApplicable, NotRun, check
from resnet_verify.checks.numerics import TWIN, bound_of, outputs, randomise
from resnet_verify.form import last_learned
from resnet_verify.strategies import random_batch
from resnet_verify.tolerance import gap, length
from resnet_verify.verdict import Diagnosis

if TYPE_CHECKING:
    from resnet_ref.places import Key
    from resnet_verify.adapters import Array, Step
    from resnet_verify.examine import Examination

ALGORITHM_2 = "Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167, algorithm 2"
SGD_SHARE = 3e-4
"""How long the first step of SGD is, as a share of all weights together."""
ADAM_RATE = 1e-4
GENTLE = np.float32(0.2)
PROPORTIONAL = 1e-2
MOVED = 0.3
"""How far apart target and twin may move, relative to how far the twin does."""


@check("NUM-TRAIN", source=TWIN, training=True)
def training(examination: Examination) -> Iterator[Diagnosis]:
    """In training mode the outputs are those of the twin, at several sizes and batches."""
    yield from outputs(examination, training=True)


@check("NUM-STATISTICS", source=ALGORITHM_2, training=True)
def running_statistics(examination: Examination) -> Iterator[Diagnosis]:
    """One forward pass in training mode moves the running statistics as it moves the twin's.

    Compared is the share of the way to the batch statistics, so that a momentum other than the
    documented one, which is advice, does not fail here; a statistic that stands still does.
    """
    weights = examination.drawn_weights(examination.seed)
    found, expected = examination.once("training pass", lambda: _training_pass(examination)).held
    limit = bound_of(examination, "training")
    for key in weights:
        if key[1] not in ("mean", "variance"):
            continue
        share = examination.statistics_share(key[0])
        moved, wanted = (found[key] - weights[key]) / share[0], (
            expected[key] - weights[key]) / share[1]  # fmt: skip
        distance = gap(moved, wanted, floor=1e-3)
        if distance.exceeds(limit / min(share)):
            stands = not np.any(found[key] != weights[key])
            how = "is never updated" if stands else f"moves otherwise than the twin's ({distance})"
            yield Diagnosis(
                "NUM-STATISTICS", f"{key[0]}, {key[1]}", "moves as the twin's does",
                "does not move" if stands else str(distance),
                f"{key[0]}: the running {key[1]} {how}",
            )  # fmt: skip
            return


@check("NUM-GRADIENT", source=TWIN, training=True)
def gradients(examination: Examination) -> Iterator[Diagnosis]:
    """The backward pass runs, and gives every parameter and the input the twin's gradient.

    Gradients of two batches are summed, as they are where memory is short.
    """
    try:
        found, expected = examination.once("first step", lambda: _steps(examination))
    except Exception:  # the target's code may raise anything, or there is no twin
        error = examination.backward_error()
        if not error:
            raise
        yield Diagnosis(
            "NUM-GRADIENT", "the whole network", "gradients", error,
            f"the backward pass raises {error}",
        )  # fmt: skip
        return
    limit = bound_of(examination, "gradient")
    twins = examination.twin_tensors
    scale = max(length(g) for g in expected.gradients.values() if g is not None)
    # Below rounding of the largest gradient: a bias in front of a norm gets zero but for that.
    floor, last = scale * 1e-3, ""
    for key, held in reversed(examination.correspondence.items()):
        wanted, have = twins[key].whole(expected.gradients), held.whole(found.gradients)
        if wanted is None:
            continue
        if have is None:
            if all(param.registered for param in held.parts):
                yield _gradient(key, "no gradient", "receives no gradient: it never learns")
                return
            continue
        distance = gap(have, wanted, floor)
        if distance.exceeds(limit):
            text = str(distance)
            times = _multiple(have, wanted)
            text = f"{text}: {times:.2g} times the twin's" if times is not None else text
            behind = f"; that of {last}, nearer to the output, is" if last else ""
            yield _gradient(key, text, f"its gradient is not the twin's ({text}){behind}")
            return
        if not distance.exceeds(limit / 100):  # a wrong one may be within the bound by chance
            last = ", ".join(key)
    own = found.input_gradient
    yield from _input_gradient(
        None if own is None else examination.for_twin(own), expected.input_gradient, limit
    )


def _gradient(key: Key, found: str, words: str) -> Diagnosis:
    where = f"{key[0]}, {key[1]}"
    return Diagnosis("NUM-GRADIENT", where, "the twin's gradient", found, f"{where}: {words}")


def _multiple(found: Array, wanted: Array) -> float | None:
    """What the second is multiplied with to give the first; None where nothing does."""
    times = float(np.vdot(found, wanted)) / max(length(wanted) ** 2, float(np.finfo(float).tiny))
    return times if not gap(found, times * wanted).exceeds(PROPORTIONAL) else None


def _input_gradient(
    found: Array | None, expected: Array | None, limit: float
) -> Iterator[Diagnosis]:
    if expected is None:
        return
    text = "no gradient"
    if found is not None:
        distance = gap(found, expected)
        if not distance.exceeds(limit):
            return
        text = str(distance)
    yield Diagnosis(
        "NUM-GRADIENT", "the input", "the twin's gradient", text,
        f"the gradient of the input is not the twin's ({text})",
    )  # fmt: skip


@check("NUM-TRAJECTORY", source=TWIN, training=True)
def trajectory(examination: Examination) -> Iterator[Diagnosis]:
    """A few steps of an optimiser move the outputs as they move the twin's.

    Two steps of SGD with momentum and weight decay, then one of Adam, by the framework's own
    optimisers.
    """
    try:
        paths = _descents(examination)
    except NotImplementedError as error:
        raise NotApplicable(str(error)) from error
    except NotRun:
        raise
    except Exception as error:  # the target's code may raise anything
        what = cause(error)
        yield Diagnosis(
            "NUM-TRAJECTORY", "the whole network", "steps of training", what,
            f"training raises {what}",
        )  # fmt: skip
        return
    found, expected = ([each - path[0] for each in path[1:]] for path in paths)
    for number, (have, want) in enumerate(zip(found, expected, strict=True), start=1):
        distance = gap(have, want)
        if distance.exceeds(MOVED * examination.tolerance):
            yield Diagnosis(
                "NUM-TRAJECTORY", "the output", "moves as the twin's does",
                str(distance),
                f"after {number} pass{'es' * (number > 1)} of training the output has moved "
                f"otherwise than the twin's ({distance})",
            )  # fmt: skip
            return


def _descents(examination: Examination) -> tuple[list[Array], list[Array]]:
    """The outputs of target and twin at each forward pass of a short training run."""
    _, step = examination.once("first step", lambda: _steps(examination))
    weights = gentle_weights(examination)
    examination.give_weights(weights)
    adapter, batch = examination.adapter, examination.batch()
    pull, own = cotangents(examination)
    rate = SGD_SHARE * _length(weights.values()) / _length(step.gradients.values())
    paths = []
    for network, images, weighted, output in (
        (examination.model, batch, own, examination.main_output),
        (examination.twin, examination.for_twin(batch), pull, 0),
    ):
        adapter.set_training(network, training=True)
        adapter.seed(examination.seed)
        seen = adapter.descend(network, [[images]] * 2, weighted, output, "sgd", rate)
        seen += adapter.descend(network, [[images]], weighted, output, "adam", ADAM_RATE)
        seen.append(adapter.forward(network, images)[output])
        paths.append(seen)
    return [in_shape(each, pull.shape) for each in paths[0]], paths[1]


def gentle_weights(examination: Examination) -> dict[Key, Array]:
    """The random weights with branches that add little to their shortcuts, as in training.

    With branches at full strength a hundred layers of random weights make chaos of a step: a
    rounding of 1e-6 grew to all of the difference in ResNet-101, and to 1e-2 with these.
    """
    weights = dict(examination.drawn_weights(examination.seed))
    for where in last_learned(examination.match.form):
        weights[where, "weight"] = GENTLE * weights[where, "weight"]
    return weights


def _length(arrays: Iterable[Array | None]) -> float:
    return float(np.sqrt(sum(length(array) ** 2 for array in arrays if array is not None)))


@dataclass(frozen=True)
class _Pass:
    """What a forward pass in training mode leaves: the shapes of the outputs, and what is held.

    Of the target first, then of the twin.
    """

    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    held: tuple[dict[Key, Array], dict[Key, Array]]


def _training_pass(examination: Examination) -> _Pass:
    """One forward pass of target and twin, with the same random weights."""
    randomise(examination)
    model, twin, adapter = examination.model, examination.twin, examination.adapter
    batch = examination.batch()
    for network in (model, twin):
        adapter.set_training(network, training=True)
    own = adapter.forward(model, batch)[examination.main_output].shape
    twins = adapter.forward(twin, examination.for_twin(batch))[0].shape
    return _Pass((own, twins), examination.held_statistics())


def cotangents(examination: Examination) -> tuple[Array, Array]:
    """What the outputs of twin and target are weighted with in a loss, each in its own shape."""
    passed = examination.once("training pass", lambda: _training_pass(examination))
    own, shape = passed.shapes
    drawn = random_batch(shape, examination.seed + 7, examination.dtype)
    last = np.moveaxis(drawn, 1, -1) if drawn.ndim == 4 else drawn
    turned = np.ascontiguousarray(last) if last.shape == own else drawn.reshape(own)
    return drawn, turned


def _steps(examination: Examination) -> tuple[Step, Step]:
    """Forward and backward passes over two batches with the same random weights; gradients add."""
    model, twin, adapter = examination.model, examination.twin, examination.adapter
    earlier, batch = examination.batch(seed=1), examination.batch()
    turned = examination.for_twin
    pull, own = cotangents(examination)
    randomise(examination)
    for network in (model, twin):
        adapter.set_training(network, training=True)
    adapter.seed(examination.seed)
    expected = adapter.step(twin, turned(batch), pull, 0, [turned(earlier)])
    adapter.seed(examination.seed)
    return adapter.step(model, batch, own, examination.main_output, [earlier]), expected
