"""What the catalogue says of a network.

`Broken.shows` says where the mistake is visible when weights are copied from `Broken.base`:

    F  forward outputs, in train and in eval mode
    E  eval outputs only
    T  train outputs only
    B  running statistics after a training step
    G  gradients: different, or absent where the base has them
    S  saving and loading into a second instance loses something
    R  the second call, or a call that finds its input changed
    -  parameters only, or nothing that a comparison with copied weights could show
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Factory = Callable[[], Any]


@dataclass(frozen=True, eq=False)
class Broken:
    """A network with one planted mistake.

    `keywords` are regular expressions, case ignored: the right first diagnosis contains at
    least one of them. `where` is a regular expression its place must contain; empty for a
    mistake made everywhere. `options` are those without which the network would conform.
    """

    id: str
    factory: Factory
    keywords: tuple[str, ...]
    where: str = ""
    shows: str = "-"
    base: Factory | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    input_shape: tuple[int, ...] = (2, 3, 64, 64)


@dataclass(frozen=True, eq=False)
class Correct:
    """A network that is right. `same_as` computes the same with the same parameters, in order.

    `output_stride` counts from the input: 32 for the ImageNet nets, 4 for the CIFAR ones, 8
    for an ImageNet net with a CIFAR stem. `num_classes` is None for a backbone.
    """

    id: str
    factory: Factory
    arch: str
    variant: str
    stem: str = "imagenet"
    head: str = "classifier"
    output_stride: int = 32
    num_classes: int | None = 1000
    in_channels: int = 3
    same_as: Factory | None = None
    dtype: str = "float32"
    input_shape: tuple[int, ...] = (2, 3, 64, 64)


def alike(factories, arch, variant, **others):
    """A row for each of several networks of one form, called as their functions are."""
    return tuple(
        Correct(factory.__name__.replace("_", "-"), factory, arch, variant, **others)
        for factory in factories
    )
