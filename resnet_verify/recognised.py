"""A network recognised in evaluation mode, its tensors read and written under the form's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from resnet_ref.derive import table
from resnet_ref.layout import Network
from resnet_ref.places import Key, places
from resnet_verify.adapters.outputs import cause
from resnet_verify.axes import in_shape
from resnet_verify.compare import differences
from resnet_verify.examine import Examination
from resnet_verify.graph import Shape
from resnet_verify.probe import Sized, takes
from resnet_verify.target import load_target
from resnet_verify.transplant import (
    Held,
    TransplantError,
    canonical,
    correspondence,
    keys_of,
    stored,
    twin_network,
)
from resnet_verify.verdict import Identity
from resnet_verify.words import describe

if TYPE_CHECKING:
    from resnet_verify.adapters import Array

TRAINING = ("detached", "frozen", "momentum")
"""Differences from a form that only training sees: they keep no weights from being carried."""
HEADS = ("softmax", "log_softmax")
"""Let pass wherever they stand: they hold no weights."""


class CarryError(Exception):
    """The weights cannot be carried: what a network is, or puts out, forbids it; one sentence."""


@dataclass(frozen=True)
class LayerWords:
    """A layer of a form: where it is, what it is in brief, and all that it is."""

    where: str
    brief: str
    full: str


@dataclass(frozen=True)
class Description:
    """What a network is, as plain data.

    It computes in `dtype` here; where the framework's half precision is too coarse to be
    compared, that is wider than `dtype_as_made`. `folded` counts the batch norms that are
    worked into convolutions; `layers` are the form's; `shapes` are those of its tensors in the
    common layout.
    """

    target: str
    framework: str
    dtype: str
    dtype_as_made: str
    identity: Identity
    folded: int
    layers: tuple[LayerWords, ...]
    shapes: Mapping[Key, Shape]


class Recognised:
    """A target on the CPU, in evaluation mode, held against the form that it must equal.

    Args:
        target: as `resnet_verify.target.load_target` takes it.
        seed: of images.
        after_load: called once the target's framework is imported.

    Raises:
        TargetError: the target does not give a network.
    """

    def __init__(self, target: str, seed: int, after_load: Callable[[], None]) -> None:
        self.target = target
        self.examination = Examination(load_target(target), seed=seed, allow_head=HEADS)
        self.examination.prepare()
        after_load()
        self.adapter = self.examination.adapter
        self.model: Any = self.examination.model
        self.adapter.use_device("cpu")

    @cached_property
    def sized(self) -> Sized:
        """The capture that is held against the form.

        Raises:
            NotRun: there is none.
            CarryError: it differs from every documented form.
        """
        sized = self.examination.small_captures[0]
        found = [d for d in differences(sized.match) if d.aspect not in TRAINING]
        if found:
            raise CarryError(f"{self.target} is no documented form: {found[0].message}")
        return sized

    @cached_property
    def tensors(self) -> dict[Key, Held]:
        """Its tensors under the form's names.

        Raises:
            CarryError: they are not the form's.
        """
        try:
            return correspondence(self.sized.match)
        except TransplantError as error:
            raise CarryError(f"{self.target}: {error}") from error

    def require_saved(self) -> None:
        """Refuse a network whose own state lacks a tensor that it computes with.

        Raises:
            CarryError: which one.
        """
        names = self.adapter.state(self.model).keys()
        for (where, role), held in self.tensors.items():
            if not all(param.name in names for param in held.parts):
                raise CarryError(
                    f"{self.target}: {where}, {role}: it is not registered, so no file of "
                    "weights holds it"
                )

    def description(self) -> Description:
        """What it is.

        Raises:
            CarryError: no documented form.
        """
        examination = self.examination
        return Description(
            target=self.target,
            framework=f"{examination.framework} {examination.framework_version}",
            dtype=examination.dtype,
            dtype_as_made=examination.dtype_as_made,
            identity=examination.identity,
            folded=self.sized.match.form.folded,
            layers=tuple(LayerWords(w, describe(op), str(op)) for w, op in places(self.network)),
            shapes={key: held.shape for key, held in self.tensors.items()},
        )

    @cached_property
    def network(self) -> Network:
        """The form, its zero channels on the side where the target has them."""
        return twin_network(self.sized.match)

    def images(self) -> list[Shape]:
        """Shapes (N, C, H, W) of batches that it takes, small ones first."""
        shapes = dict.fromkeys([*self.examination.shapes, self.examination.probe.main_shape])
        if not self.examination.probe.channels_last:
            return list(shapes)
        return [(n, channels, *size) for n, *size, channels in shapes]

    def takes(self, image: Shape) -> bool:
        """Whether it takes a batch of this shape (N, C, H, W) as it takes others."""
        examination = self.examination
        probe = examination.probe
        shape = probe.shape(probe.batch_of(image[0]), *image[2:])
        known = shape in examination.shapes
        return known or takes(self.adapter, self.model, shape, examination.match) is not None

    def read(self) -> dict[Key, Array]:
        """Copies of its tensors, in the common layout."""
        values = self.adapter.read(self.model, self.sized.capture, keys_of(self.tensors))
        return canonical(self.tensors, values)

    def write(self, arrays: Mapping[Key, Array]) -> None:
        """Overwrite its tensors with `arrays` in the common layout."""
        self.adapter.write(self.model, self.sized.capture, stored(self.tensors, arrays))

    def left(self) -> tuple[str, ...]:
        """Its own names of the parameters and buffers that the form does not have."""
        carried = set(keys_of(self.tensors))
        return tuple(p.name for p in self.adapter.params(self.model) if p.key not in carried)

    def kept(self) -> tuple[str, ...]:
        """Its own names of whatever else is in its state, counters too."""
        carried = {param.name for held in self.tensors.values() for param in held.parts}
        return tuple(name for name in self.adapter.state(self.model) if name not in carried)

    def output(self, model: Any, images: Array) -> Array:
        """The main output of `model`, this network or another instance of it, as the form has it.

        `images` is of shape (N, C, H, W); a network that takes one at a time is given them so.

        Raises:
            CarryError: the forward pass raises, or puts out something of another shape.
        """
        step = self.examination.probe.batch_of(len(images))
        self.adapter.set_training(model, training=False)
        starts = range(0, len(images), step)
        return np.concatenate([self._output(model, images[i : i + step]) for i in starts])

    def _output(self, model: Any, images: Array) -> Array:
        last = self.examination.probe.channels_last
        kind = np.float64 if self.examination.dtype == "float64" else np.float32
        batch = np.ascontiguousarray(np.moveaxis(images, 1, 3) if last else images, kind)
        try:
            outputs = self.adapter.forward(model, batch)
        except Exception as error:  # the target's code may raise anything
            raise CarryError(f"{self.target}: the forward pass raises {cause(error)}") from error
        found = self.sized.match.found
        expected = table(self.network, images.shape).rows[-1].output_shape
        output = in_shape(outputs[found.graph.outputs.index(found.main)], expected)
        if output.shape != expected:
            raise CarryError(f"{self.target} puts out {output.shape}, its form {expected}")
        return output
