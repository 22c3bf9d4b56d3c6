"""The documented architectures: depths, kinds of block and widths, with no variant yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

BlockKind: TypeAlias = Literal["basic", "bottleneck"]


@dataclass(frozen=True)
class Architecture:
    """One row of the tables."""

    block: BlockKind
    depths: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512)
    groups: int = 1
    width_per_group: int = 64


# He et al. 2016, table 1, https://arxiv.org/abs/1512.03385
IMAGENET = {
    "resnet18": Architecture("basic", (2, 2, 2, 2)),
    "resnet34": Architecture("basic", (3, 4, 6, 3)),
    "resnet50": Architecture("bottleneck", (3, 4, 6, 3)),
    "resnet101": Architecture("bottleneck", (3, 4, 23, 3)),
    "resnet152": Architecture("bottleneck", (3, 8, 36, 3)),
}

# Xie et al. 2017, table 1, https://arxiv.org/abs/1611.05431, and the larger nets built the same way
RESNEXT = {
    f"resnext{depth}_{groups}x{width}d": replace(
        IMAGENET[f"resnet{depth}"], groups=groups, width_per_group=width
    )
    for depth in (50, 101, 152)
    for groups, width in ((32, 4), (32, 8), (64, 4))
}

# Zagoruyko and Komodakis 2016, table 8, https://arxiv.org/abs/1605.07146
WIDE = {
    f"wide_resnet{depth}_2": replace(IMAGENET[f"resnet{depth}"], width_per_group=128)
    for depth in (50, 101)
}

# He et al. 2016, section 4.2: 6n + 2 weighted layers
CIFAR = {
    f"resnet{depth}": Architecture("basic", ((depth - 2) // 6,) * 3, widths=(16, 32, 64))
    for depth in (20, 32, 44, 56, 110)
}

ARCHITECTURES = {**IMAGENET, **RESNEXT, **WIDE, **CIFAR}


def architecture(arch: str) -> Architecture:
    """Look up a row.

    Raises:
        ValueError: there is none; the message names those that there are.
    """
    try:
        return ARCHITECTURES[arch]
    except KeyError:
        raise ValueError(
            f"unknown architecture {arch!r}; supported: {', '.join(ARCHITECTURES)}"
        ) from None
