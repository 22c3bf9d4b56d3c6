"""Carry all weights from one implementation to another, in two processes and one direction.

`read_source` runs where the source's framework is, `write_destination` where the destination's
is. Between them go a `Cargo` and a file of arrays: the tensors under the form's names, and
batches of images with the outputs that the source gives for them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resnet_verify.contrast import contrast
from resnet_verify.graph import Shape
from resnet_verify.recognised import CarryError, Description, Recognised
from resnet_verify.strategies import random_batch
from resnet_verify.target import TargetError
from resnet_verify.tolerance import Gap, bound, gap
from resnet_verify.weights import load_weights, read_weights, require_suffix, write_weights

if TYPE_CHECKING:
    from resnet_verify.adapters import Array

Tell = Callable[[str], None]

STEPS = (
    "loading the source",
    "recognising the source",
    "computing the source's outputs",
    "loading the destination",
    "recognising the destination",
    "writing the weights",
    "computing the destination's outputs",
)
"""What the two processes tell, each as it begins."""
SIZES = 2
"""The outputs are compared at so many sizes of image, where both networks take as many."""


@dataclass(frozen=True)
class Cargo:
    """What the source sends beside the file of arrays.

    `images` are the shapes (N, C, H, W) of the batches; `left` are the source's own names of
    the tensors that the form does not have: they stay behind.
    """

    source: Description
    images: tuple[Shape, ...]
    left: tuple[str, ...]


@dataclass(frozen=True)
class Parity:
    """How far the outputs for one batch of shape `image` lie apart, and how far they may."""

    image: Shape
    gap: Gap
    bound: float


@dataclass(frozen=True)
class Landing:
    """What arrived.

    `rounded` counts the tensors that do not hold the source's numbers to the last bit; `kept`
    are the destination's own names of what it holds beside the form's tensors.
    """

    destination: Description
    parity: tuple[Parity, ...]
    rounded: int
    kept: tuple[str, ...]


@contextmanager
def _quiet() -> Iterator[None]:
    """What the frameworks warn of is not what was asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@_quiet()
def read_source(
    tell: Tell,
    target: str,
    weights: Path | None,
    seed: int,
    arrays: Path,
    *,
    after_load: Callable[[], None] = lambda: None,
) -> Cargo:
    """Recognise the source; write its tensors, batches and its outputs for them to `arrays`.

    Args:
        tell: takes each of the first `STEPS` as it begins.
        target: the source.
        weights: a file to load into it first.
        seed: of the batches.
        arrays: a file to be written (npz).
        after_load: called once the framework is imported.

    Raises:
        TargetError: the target does not give a network.
        WeightsError: `weights` cannot be read, or is not this network's.
        NotRun: the network cannot be captured.
        CarryError: the network is no documented form, or its outputs are not finite.
    """
    tell(STEPS[0])
    source = Recognised(target, seed, after_load)
    if weights is not None:
        found = read_weights(weights, source.adapter)
        load_weights(source.adapter, source.model, found, weights)
    tell(STEPS[1])
    description = source.description()
    if weights is not None:
        source.require_saved()
    tell(STEPS[2])
    shapes = source.images()
    images = [random_batch(shape, seed + i, description.dtype) for i, shape in enumerate(shapes)]
    outputs = [source.output(source.model, image) for image in images]
    if not all(np.isfinite(output).all() for output in outputs):
        raise CarryError(f"{target}: its outputs are not finite, so nothing can be compared")
    tensors = source.read().values()
    _save(arrays, {"tensor": tensors, "image": images, "output": outputs})
    return Cargo(description, tuple(shapes), source.left())


@_quiet()
def write_destination(
    tell: Tell,
    target: str,
    cargo: Cargo,
    arrays: Path,
    out: Path,
    seed: int,
    *,
    after_load: Callable[[], None] = lambda: None,
) -> Landing:
    """Write the source's tensors into the destination, save that, and measure what was saved.

    The file is loaded into a fresh instance of the destination, as its users will do, and its
    outputs are held against the source's.

    Args:
        tell: takes each of the remaining `STEPS` as it begins.
        target: the destination.
        cargo: what `read_source` returned.
        arrays: the file that it wrote.
        out: the file to be written; its suffix says in which format.
        seed: of images.
        after_load: called once the framework is imported.

    Raises:
        TargetError: the target does not give a network.
        WeightsError: the format is not one of the destination's, or the file cannot be written.
        NotRun: the network cannot be captured.
        CarryError: the network is another form, or its outputs are not the source's.
    """
    tell(STEPS[3])
    destination = Recognised(target, seed, after_load)
    require_suffix(out, destination.adapter)
    tell(STEPS[4])
    description = destination.description()
    if difference := contrast(cargo.source, description):
        raise CarryError(difference)
    destination.require_saved()
    tell(STEPS[5])
    with np.load(arrays) as file:
        tensors = {key: file[f"tensor {i}"] for i, key in enumerate(cargo.source.shapes)}
        destination.write(tensors)
        write_weights(out, destination.adapter, destination.model)
        written = read_weights(out, destination.adapter)
        fresh = _fresh(destination)
        load_weights(destination.adapter, fresh, written, out)
        tell(STEPS[6])
        parity = tuple(_parity(destination, fresh, cargo, file))
    parts = [param for held in destination.tensors.values() for param in held.parts]
    read = {param.key: written[param.name] for param in parts}
    return Landing(
        description,
        parity,
        sum(
            not np.array_equal(held.canonical(read), tensors[key])
            for key, held in destination.tensors.items()
        ),
        destination.kept(),
    )


def _fresh(network: Recognised) -> Any:
    """Another instance; the same one where there is only one."""
    try:
        return network.examination.second_instance
    except TargetError:  # a factory that works once
        return network.model


def _parity(
    destination: Recognised, model: Any, cargo: Cargo, arrays: Mapping[str, Array]
) -> Iterator[Parity]:
    limit = max(bound(d.dtype, "evaluation") for d in (cargo.source, destination.description()))
    taken = (i for i, image in enumerate(cargo.images) if destination.takes(image))
    measured = False
    for i in islice(taken, SIZES):
        found = destination.output(model, arrays[f"image {i}"])
        parity = Parity(cargo.images[i], gap(found, arrays[f"output {i}"]), limit)
        if parity.gap.exceeds(limit):
            raise CarryError(
                f"in evaluation mode the outputs for input {_by(parity.image)} are not the "
                f"source's ({parity.gap}, bound {limit:.1g})"
            )
        measured = True
        yield parity
    if not measured:
        sizes = " or ".join(_by(image[2:]) for image in cargo.images)
        raise CarryError(f"{destination.target} takes no image that the source takes ({sizes})")


def _by(sizes: Iterable[int]) -> str:
    return "x".join(map(str, sizes))


def _save(path: Path, groups: Mapping[str, Iterable[Array]]) -> None:
    arrays = {
        f"{name} {i}": array for name, group in groups.items() for i, array in enumerate(group)
    }
    np.savez(path, **arrays)  # type: ignore[arg-type]  # NumPy types its flags alone
