"""State: what a network keeps between calls, and what it saves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from resnet_verify.adapters.outputs import cause
from resnet_verify.checks import NotRun, check
from resnet_verify.checks.numerics import PURE, bound_of, give_random, settled
from resnet_verify.target import TargetError
from resnet_verify.tolerance import gap
from resnet_verify.verdict import Diagnosis

if TYPE_CHECKING:
    from resnet_verify.adapters import Array
    from resnet_verify.examine import Examination


@check("NUM-INPUT", source=PURE)
def input_kept(examination: Examination) -> Iterator[Diagnosis]:
    """The forward pass does not change its input."""
    batch, _ = settled(examination)
    for training in examination.modes:
        examination.adapter.set_training(examination.model, training)
        if not examination.adapter.keeps_input(examination.model, batch):
            mode = "training" if training else "evaluation"
            yield Diagnosis(
                "NUM-INPUT", "the whole network", "the input as it was", "the input changed",
                f"the forward pass changes its input in place, in {mode} mode",
            )  # fmt: skip
            return


@check("NUM-REPEAT", source=PURE)
def repeat(examination: Examination) -> Iterator[Diagnosis]:
    """The same input gives the same output, call after call: to the last bit in evaluation mode.

    In training mode, where dropout draws from the same seed, within rounding. Trained
    parameters are not changed by a forward pass in evaluation mode.
    """
    batch, index = settled(examination)
    examination.adapter.set_training(examination.model, training=False)
    if moved := _moved(examination, batch, training=False, trained_only=True):
        yield _changed(moved, "evaluation")
        return
    for training in examination.modes:
        found = list(_drifts(examination, training, batch, index))
        if found:
            yield found[0]
            return


def _drifts(
    examination: Examination, training: bool, batch: Array, index: int
) -> Iterator[Diagnosis]:
    """What later calls do differently in one mode."""
    model, adapter = examination.model, examination.adapter
    mode = "training" if training else "evaluation"
    adapter.set_training(model, training)
    other = examination.batch(batch.shape, seed=1)

    def called(images: Array) -> tuple[Array, ...]:
        if training:
            adapter.seed(examination.seed)
        return adapter.forward(model, images)

    first, *again = (called(batch) for _ in range(2 if training else 3))
    between = called(other)
    again.append(called(batch))
    if np.array_equal(first[index], between[index]):
        yield Diagnosis(
            "NUM-REPEAT", f"output {index}", "outputs that depend on the input",
            "the same output for two inputs",
            f"in {mode} mode another input gives the same output: the network keeps state "
            "between calls, or ignores its input",
        )  # fmt: skip
        return
    limit = bound_of(examination, "training") if training else 0.0
    for index, a in enumerate(first):
        for b in (outputs[index] for outputs in again):
            if a.shape == b.shape and np.array_equal(a, b, equal_nan=True):
                continue
            distance = gap(b, a)
            if not distance.exceeds(limit):
                continue
            if moved := _moved(examination, batch, training):
                yield _changed(moved, mode)
                return
            yield Diagnosis(
                "NUM-REPEAT", f"output {index}", "the same output each time",
                str(distance),
                f"in {mode} mode a later call with the same input gives another output "
                f"({distance}): the network keeps state between calls or draws random numbers",
            )  # fmt: skip
            return


def _changed(moved: str, mode: str) -> Diagnosis:
    return Diagnosis(
        "NUM-REPEAT", moved, "left as it was by a forward pass", "changed",
        f"{moved} is changed by a forward pass in {mode} mode: later calls compute with other "
        "values",
    )  # fmt: skip


def _moved(
    examination: Examination, batch: Array, training: bool, *, trained_only: bool = False
) -> str:
    """A registered tensor that a forward pass changes, though it should not; empty if none."""
    adapter, model = examination.adapter, examination.model
    statistics = examination.running_statistics if training else set()
    held = [
        param
        for param in adapter.params(model)
        if param.key not in statistics and (param.trainable or not trained_only)
    ]
    keys = [param.key for param in held]
    before = adapter.read(model, None, keys)
    adapter.forward(model, batch)
    after = adapter.read(model, None, keys)
    changed = [p for p in held if not np.array_equal(before[p.key], after[p.key], equal_nan=True)]
    return examination.in_words(changed[0]) if changed else ""


@check("NUM-RELOAD", source=PURE)
def reload(examination: Examination) -> Iterator[Diagnosis]:
    """A second instance that loads the saved state computes the same, to the last bit.

    The state is saved after a forward pass in training mode.
    """
    try:
        second = examination.taken_instance()
    except TargetError as error:
        raise NotRun(f"a second instance cannot be made: {error}") from error
    if second is examination.model:
        raise NotRun("the target gives the same instance each time; there is no second one to load")
    adapter, model = examination.adapter, examination.model
    give_random(examination)
    batch = examination.batch()
    if adapter.trains:
        adapter.set_training(model, training=True)
        adapter.forward(model, batch)
    try:
        adapter.load_state(second, adapter.state(model))
    except Exception as error:  # the target's code may raise anything
        yield Diagnosis(
            "NUM-RELOAD", "the whole network", "a saved state that can be loaded", cause(error),
            f"a second instance cannot load the saved state: {cause(error)}",
        )  # fmt: skip
        return
    for network in (model, second):
        adapter.set_training(network, training=False)
    pairs = zip(adapter.forward(model, batch), adapter.forward(second, batch), strict=False)
    for index, (a, b) in enumerate(pairs):
        if a.shape != b.shape or not np.array_equal(a, b, equal_nan=True):
            distance = gap(b, a)
            yield Diagnosis(
                "NUM-RELOAD", f"output {index}", "the same output after loading",
                str(distance),
                "a second instance that loaded the saved state gives another output "
                f"({distance}): {_unsaved(examination)}",
            )  # fmt: skip
            return


def _unsaved(examination: Examination) -> str:
    """What the saved state lacks, in words."""
    adapter, model = examination.adapter, examination.model
    saved = adapter.state(model)
    names = [param.name for param in adapter.params(model) if param.name not in saved]
    if not names:
        return "something that counts is not saved"
    return f"{names[0]}{f' and {len(names) - 1} more' if names[1:] else ''} not in it"
