"""Shapes, parameters, MACs and memory of a network, computed from its description alone.

`table(spec, (1, 3, 224, 224))` gives the rows that ``paddle.summary`` prints, each with the
location of its layer. No framework is involved, nor NumPy: what a network must be is
known before one is built.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from resnet_ref.layers import (
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    PadShortcut,
    Relu,
    Softmax,
    SqueezeExcite,
    ZeroPad,
)
from resnet_ref.layout import Block, Network, layout
from resnet_ref.places import named_blocks, path_places, slots
from resnet_ref.shapes import Shape, macs, output_shape
from resnet_ref.spec import ResNetSpec

FLOAT32_BYTES = 4
MEGABYTE = 2**20

# The class names that paddle.summary prints.
NAMES: dict[type[Layer], str] = {
    Conv: "Conv2D",
    BatchNorm: "BatchNorm2D",
    Relu: "ReLU",
    ZeroPad: "ZeroPad2D",
    MaxPool: "MaxPool2D",
    AvgPool: "AvgPool2D",
    GlobalAvgPool: "AdaptiveAvgPool2D",
    Flatten: "Flatten",
    Linear: "Linear",
    Dropout: "Dropout",
    Softmax: "Softmax",
    PadShortcut: "PadShortcut",
    SqueezeExcite: "SqueezeExcite",
}
BLOCK_NAMES = {"basic": "BasicBlock", "bottleneck": "BottleneckBlock"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a layer, or a whole block after its layers (`layer` is None then).

    `trainable` and `buffers` count numbers, `macs` the multiply-accumulates of the whole
    batch, `activation_bytes` the output in float32. A block's row counts none of what its
    layers' rows have counted, but paddle.summary counts its output among the activations.
    """

    name: str
    location: str
    layer: Layer | None
    input_shape: Shape
    output_shape: Shape
    trainable: int = 0
    buffers: int = 0
    macs: int = 0

    @property
    def params(self) -> int:
        """Trainable numbers and buffers together, as Paddle counts them."""
        return self.trainable + self.buffers

    @property
    def activation_bytes(self) -> int:
        """Bytes of the output in float32."""
        return math.prod(self.output_shape) * FLOAT32_BYTES


@dataclass(frozen=True, slots=True)
class Split:
    """The total of the parameters, split as one convention does, which `convention` explains."""

    name: str
    convention: str
    trainable: int
    non_trainable: int


@dataclass(frozen=True)
class Table:
    """The rows of a network on one input shape, and their totals.

    Megabytes are 2**20 bytes of float32, added up as ``paddle.summary`` does it: every row's
    output twice, for the forward and the backward pass.
    """

    rows: tuple[Row, ...]
    input_shape: Shape

    @cached_property
    def trainable(self) -> int:
        """What PyTorch's ``sum(p.numel() for p in parameters())`` gives."""
        return sum(row.trainable for row in self.rows)

    @cached_property
    def buffers(self) -> int:
        """Running means and variances."""
        return sum(row.buffers for row in self.rows)

    @property
    def total(self) -> int:
        """Trainable parameters and buffers: the total that Paddle and Keras print."""
        return self.trainable + self.buffers

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and linear maps, for the whole batch."""
        return sum(row.macs for row in self.rows)

    @property
    def output_shape(self) -> Shape:
        """Shape of what the network puts out."""
        return self.rows[-1].output_shape

    @property
    def input_mb(self) -> float:
        """Megabytes of the input."""
        return math.prod(self.input_shape) * FLOAT32_BYTES / MEGABYTE

    @property
    def forward_backward_mb(self) -> float:
        """Megabytes of all activations and their gradients."""
        return 2 * sum(row.activation_bytes for row in self.rows) / MEGABYTE

    @property
    def params_mb(self) -> float:
        """Megabytes of parameters and buffers."""
        return self.total * FLOAT32_BYTES / MEGABYTE

    @property
    def total_mb(self) -> float:
        """The sum of the three."""
        return self.input_mb + self.forward_backward_mb + self.params_mb

    def splits(self) -> tuple[Split, Split]:
        """The total split into trainable and not, in both conventions in use."""
        norms = sum(row.params for row in self.rows if isinstance(row.layer, BatchNorm))
        return (
            Split(
                "by tensor",
                "scale and shift of a norm are trainable, its running mean and variance are not "
                "(PyTorch, Paddle 3)",
                self.trainable,
                self.buffers,
            ),
            Split(
                "by layer",
                "all four tensors of a norm are non-trainable (paddle.summary up to Paddle 2.1)",
                self.total - norms,
                norms,
            ),
        )

    def shape_after(self, where: str) -> Shape:
        """Shape after the last layer at or within location `where` ("stem", "stage 2").

        Raises:
            ValueError: nothing is there.
        """
        inside = [row for row in self.rows if f"{row.location}, ".startswith(f"{where}, ")]
        if not inside:
            raise ValueError(f"there is no {where!r} in this network")
        return inside[-1].output_shape


def table(network: ResNetSpec | Network | Block, input_shape: Shape) -> Table:
    """The table of `network` on an input of shape (N, C, H, W).

    Raises:
        ValueError: the input does not fit; the message says where and why.
    """
    if len(input_shape) != 4 or min(input_shape) < 1:
        raise ValueError(
            f"the input shape is (N, C, H, W), four positive numbers, not {input_shape}"
        )
    if isinstance(network, ResNetSpec):
        network = layout(network)
    if isinstance(network, Block):
        rows = _block_rows("", network, input_shape)
    else:
        rows = _network_rows(network, input_shape)
    return Table(tuple(_numbered(rows)), input_shape)


def _network_rows(network: Network, shape: Shape) -> list[Row]:
    rows = _path_rows(path_places("stem", network.stem), shape)
    for where, block in named_blocks(network):
        rows += _block_rows(where, block, _shape_after(rows, shape))
    return rows + _path_rows(path_places("head", network.head), _shape_after(rows, shape))


def _block_rows(where: str, block: Block, shape: Shape) -> list[Row]:
    """The rows of a block's layers in the order of the tables, then, inside a network, its own."""
    prefix = f"{where}, " if where else ""
    pre = _path_rows(path_places(f"{prefix}pre", block.pre), shape)
    activated = _shape_after(pre, shape)
    branch = _path_rows(path_places(f"{prefix}branch", block.branch), activated)
    shortcut = _path_rows(path_places(f"{prefix}shortcut", block.shortcut), activated)
    total = _shape_after(branch, activated)
    skipped = _shape_after(shortcut, shape)
    if total != skipped:
        raise ValueError(
            f"{where or block.kind}: the branch puts out {total}, the shortcut {skipped}"
        )
    rows = [*pre, *branch, *shortcut, *_path_rows(path_places(f"{prefix}post", block.post), total)]
    return [*rows, Row(BLOCK_NAMES[block.kind], where, None, shape, total)] if where else rows


def _path_rows(placed: Iterator[tuple[str, Layer]], shape: Shape) -> list[Row]:
    rows: list[Row] = []
    for location, layer in placed:
        rows.append(_row(location, layer, _shape_after(rows, shape)))
    return rows


def _row(location: str, layer: Layer, shape: Shape) -> Row:
    try:
        output = output_shape(layer, shape)
    except ValueError as error:
        raise ValueError(f"{location}: {error}") from None
    held = slots(layer)
    return Row(
        "LogSoftmax" if isinstance(layer, Softmax) and layer.log else NAMES[type(layer)],
        location,
        layer,
        shape,
        output,
        trainable=sum(math.prod(slot.shape) for slot in held if slot.trainable),
        buffers=sum(math.prod(slot.shape) for slot in held if not slot.trainable),
        macs=macs(layer, output),
    )


def _shape_after(rows: list[Row], shape: Shape) -> Shape:
    return rows[-1].output_shape if rows else shape


def _numbered(rows: list[Row]) -> Iterator[Row]:
    """Each row with its name numbered among its like, from 1, as paddle.summary does."""
    seen: Counter[str] = Counter()
    for row in rows:
        seen[row.name] += 1
        yield replace(row, name=f"{row.name}-{seen[row.name]}")
