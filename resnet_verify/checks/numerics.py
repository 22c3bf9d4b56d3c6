"""Numerics: the network as it runs, against a twin that holds the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from resnet_verify.adapters.outputs import cause
from resnet_verify.axes import in_shape
from resnet_verify.checks import NotApplicable, NotRun, check
from resnet_verify.strategies import random_batch
from resnet_verify.target import TargetError
from resnet_verify.tolerance import bound, gap
from resnet_verify.verdict import Diagnosis

if TYPE_CHECKING:
    from resnet_ref.places import Key
    from resnet_verify.adapters import Array, Step
    from resnet_verify.examine import Examination

TWIN = "He et al. 2016, https://arxiv.org/abs/1512.03385, by the reference network resnet_ref"
ALGORITHM_2 = "Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167, algorithm 2"
PURE = "a network in evaluation mode is a function of its weights and its input"


@check("NUM-INPUT", source=PURE)
def input_kept(examination: Examination) -> Iterator[Diagnosis]:
    """The forward pass does not change its input."""
    _randomise(examination)
    for training in examination.modes:
        examination.adapter.set_training(examination.model, training)
        batch = examination.batch()
        if not examination.adapter.keeps_input(examination.model, batch):
            mode = "training" if training else "evaluation"
            yield Diagnosis(
                "NUM-INPUT", "the whole network", "the input as it was", "the input changed",
                f"the forward pass changes its input in place, in {mode} mode",
            )  # fmt: skip
            return


@check("NUM-REPEAT", source=PURE)
def repeat(examination: Examination) -> Iterator[Diagnosis]:
    """In evaluation mode the same input gives the same output, call after call, to the last bit."""
    _randomise(examination)
    model, adapter = examination.model, examination.adapter
    adapter.set_training(model, training=False)
    batch, other = examination.batch(), examination.batch(seed=1)
    first, *again = (adapter.forward(model, batch) for _ in range(3))
    between = adapter.forward(model, other)
    again.append(adapter.forward(model, batch))
    index = examination.main_output
    if np.array_equal(first[index], between[index]):
        yield Diagnosis(
            "NUM-REPEAT", f"output {index}", "outputs that depend on the input",
            "the same output for two inputs",
            "in evaluation mode another input gives the same output: the network keeps state "
            "between calls, or ignores its input",
        )  # fmt: skip
        return
    for index, a in enumerate(first):
        for b in (outputs[index] for outputs in again):
            if a.shape == b.shape and np.array_equal(a, b, equal_nan=True):
                continue
            distance = gap(b, a).norm if a.shape == b.shape else float("inf")
            yield Diagnosis(
                "NUM-REPEAT", f"output {index}", "the same output each time",
                f"relative difference {distance:.2g}",
                f"in evaluation mode a later call with the same input gives another output "
                f"(relative difference {distance:.2g}): the network keeps state between calls "
                "or draws random numbers",
            )  # fmt: skip
            return


@check("NUM-BATCH", source=PURE)
def batch_independence(examination: Examination) -> Iterator[Diagnosis]:
    """In evaluation mode the output for an image does not depend on the rest of the batch."""
    batch = examination.batch()
    if len(batch) < 2:
        raise NotApplicable("the network takes one image at a time")
    _randomise(examination)
    model, adapter = examination.model, examination.adapter
    adapter.set_training(model, training=False)
    changed = batch.copy()
    changed[1:] = 3 * batch[:1] + 1
    limit = _bound(examination, "evaluation")
    both = zip(adapter.forward(model, batch), adapter.forward(model, changed), strict=False)
    for index, (together, apart) in enumerate(both):
        distance = gap(apart[:1], together[:1])
        if distance.exceeds(limit):
            yield Diagnosis(
                "NUM-BATCH", f"output {index}", "each image on its own",
                f"relative difference {distance.norm:.2g}",
                "in evaluation mode the output for an image changes with the other images of "
                f"the batch (relative difference {distance.norm:.2g})",
            )  # fmt: skip
            return


@check("NUM-EVAL", source=TWIN)
def evaluation(examination: Examination) -> Iterator[Diagnosis]:
    """In evaluation mode the outputs are those of the twin, at several sizes and batches."""
    yield from _outputs(examination, training=False)


@check("NUM-TRAIN", source=TWIN, training=True)
def training(examination: Examination) -> Iterator[Diagnosis]:
    """In training mode the outputs are those of the twin, at several sizes and batches."""
    yield from _outputs(examination, training=True)


@check("NUM-STATISTICS", source=ALGORITHM_2, training=True)
def running_statistics(examination: Examination) -> Iterator[Diagnosis]:
    """One forward pass in training mode moves the running statistics as it moves the twin's.

    Compared is the share of the way to the batch statistics, so that a momentum other than the
    documented one, which is advice, does not fail here; a statistic that stands still does.
    """
    weights = _randomise(examination)
    model, twin, adapter = examination.model, examination.twin, examination.adapter
    batch = examination.batch()
    for network, images in ((model, batch), (twin, examination.for_twin(batch))):
        adapter.set_training(network, training=True)
        adapter.forward(network, images)
    found, expected = examination.held_weights()
    limit = _bound(examination, "training")
    for key in weights:
        if key[1] not in ("mean", "variance"):
            continue
        share = examination.statistics_share(key[0])
        moved, wanted = (found[key] - weights[key]) / share[0], (
            expected[key] - weights[key]) / share[1]  # fmt: skip
        distance = gap(moved, wanted, floor=1e-3)
        if distance.exceeds(limit / min(share)):
            stands = not np.any(found[key] != weights[key])
            yield Diagnosis(
                "NUM-STATISTICS", f"{key[0]}, {key[1]}", "moves as the twin's does",
                "does not move" if stands else f"relative difference {distance.norm:.2g}",
                f"{key[0]}: the running {key[1]} "
                + ("is never updated" if stands else f"moves otherwise than the twin's (relative "
                   f"difference {distance.norm:.2g})"),
            )  # fmt: skip
            return


@check("NUM-GRADIENT", source=TWIN, training=True)
def gradients(examination: Examination) -> Iterator[Diagnosis]:
    """The backward pass runs, and gives every parameter and the input the twin's gradient."""
    error = examination.backward_error()
    if error:
        yield Diagnosis(
            "NUM-GRADIENT", "the whole network", "gradients", error,
            f"the backward pass raises {error}",
        )  # fmt: skip
        return
    _randomise(examination)
    found, expected = _steps(examination)
    limit = _bound(examination, "gradient")
    twins = examination.twin_tensors
    scale = max(float(np.linalg.norm(g)) for g in expected.gradients.values() if g is not None)
    # Below rounding of the largest gradient: a bias in front of a norm gets zero but for that.
    floor = scale * 1e-3
    for key, held in reversed(examination.correspondence.items()):
        wanted = expected.gradients.get(twins[key].param.key)
        if wanted is None:
            continue
        wanted = twins[key].canonical(wanted)
        have = found.gradients.get(held.param.key)
        if have is None:
            if held.param.registered:
                yield _gradient(key, "no gradient", "receives no gradient: it never learns")
                return
            continue
        distance = gap(held.canonical(have), wanted, floor)
        if distance.exceeds(limit):
            text = f"relative difference {distance.norm:.2g}"
            yield _gradient(key, text, f"its gradient is not the twin's ({text})")
            return
    own = found.input_gradient
    yield from _input_gradient(
        None if own is None else examination.for_twin(own), expected.input_gradient, limit
    )


def _gradient(key: Key, found: str, words: str) -> Diagnosis:
    where = f"{key[0]}, {key[1]}"
    return Diagnosis("NUM-GRADIENT", where, "the twin's gradient", found, f"{where}: {words}")


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
        text = f"relative difference {distance.norm:.2g}"
    yield Diagnosis(
        "NUM-GRADIENT", "the input", "the twin's gradient", text,
        f"the gradient of the input is not the twin's ({text})",
    )  # fmt: skip


@check("NUM-RELOAD", source=PURE)
def reload(examination: Examination) -> Iterator[Diagnosis]:
    """A second instance that loads the saved state computes the same, to the last bit."""
    try:
        second = examination.second_instance
    except TargetError as error:
        raise NotRun(f"a second instance cannot be made: {error}") from error
    if second is examination.model:
        raise NotRun("the target gives the same instance each time; there is no second one to load")
    adapter, model = examination.adapter, examination.model
    _randomise(examination)
    try:
        adapter.load_state(second, adapter.state(model))
    except Exception as error:  # the target's code may raise anything
        yield Diagnosis(
            "NUM-RELOAD", "the whole network", "a saved state that can be loaded", cause(error),
            f"a second instance cannot load the saved state: {cause(error)}",
        )  # fmt: skip
        return
    batch = examination.batch()
    for network in (model, second):
        adapter.set_training(network, training=False)
    pairs = zip(adapter.forward(model, batch), adapter.forward(second, batch), strict=False)
    for index, (a, b) in enumerate(pairs):
        if a.shape != b.shape or not np.array_equal(a, b, equal_nan=True):
            distance = gap(b, a).norm if a.shape == b.shape else float("inf")
            yield Diagnosis(
                "NUM-RELOAD", f"output {index}", "the same output after loading",
                f"relative difference {distance:.2g}",
                "a second instance that loaded the saved state gives another output (relative "
                f"difference {distance:.2g}): something that counts is not saved",
            )  # fmt: skip
            return


def _bound(examination: Examination, kind: str) -> float:
    return bound(examination.dtype, kind, examination.tolerance)


def _randomise(examination: Examination, seed: int = 0) -> dict[Key, Array]:
    weights = examination.drawn_weights(examination.seed + seed)
    examination.give_weights(weights)
    return weights


def _outputs(examination: Examination, *, training: bool) -> Iterator[Diagnosis]:
    mode = "training" if training else "evaluation"
    check_id = "NUM-TRAIN" if training else "NUM-EVAL"
    limit = _bound(examination, mode)
    model, twin, adapter = examination.model, examination.twin, examination.adapter
    for seed, shape in enumerate(examination.shapes):
        _randomise(examination, seed)
        adapter.set_training(model, training)
        adapter.set_training(twin, training)
        batch = examination.batch(shape, seed)
        adapter.seed(seed)  # where both draw, a dropout before the classifier drops the same
        expected = adapter.forward(twin, examination.for_twin(batch))[0]
        adapter.seed(seed)
        output = adapter.forward(model, batch)[examination.main_output]
        found = in_shape(output, expected.shape)
        image = "x".join(map(str, shape))
        if found.shape != expected.shape:
            text = f"shape {found.shape} where the twin's is {expected.shape}"
        else:
            distance = gap(found, expected)
            if not distance.exceeds(limit):
                continue
            text = f"relative difference {distance.norm:.2g}, bound {limit:.1g}"
        yield Diagnosis(
            check_id, "the output", "the twin's output", text,
            f"in {mode} mode the output for input {image} is not that of the reference with the "
            f"same weights ({text})",
        )  # fmt: skip
        return


def _steps(examination: Examination) -> tuple[Step, Step]:
    model, twin, adapter = examination.model, examination.twin, examination.adapter
    batch = examination.batch()
    for network in (model, twin):
        adapter.set_training(network, training=True)
    shape = adapter.forward(twin, examination.for_twin(batch))[0].shape
    cotangent = random_batch(shape, examination.seed + 7, examination.dtype)
    own = adapter.forward(model, batch)[examination.main_output].shape
    adapter.seed(examination.seed)
    expected = adapter.step(twin, examination.for_twin(batch), cotangent, 0)
    adapter.seed(examination.seed)
    return adapter.step(model, batch, _shaped(cotangent, own), examination.main_output), expected


def _shaped(cotangent: Array, shape: tuple[int, ...]) -> Array:
    """The twin's cotangent in the target's order of axes."""
    last = np.moveaxis(cotangent, 1, -1) if cotangent.ndim == 4 else cotangent
    return np.ascontiguousarray(last) if last.shape == shape else cotangent.reshape(shape)
