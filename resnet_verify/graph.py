"""The captured network: a small framework-neutral graph of operators.

An adapter fills it; `resnet_verify.normalise` rewrites it into the vocabulary of
`resnet_ref.layers`. Values are integers; a parameter is a value whose node is `Parameter`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

Shape = tuple[int, ...]

OUT_FIRST = (1, 0)
"""The `Node.order` of a linear map whose weight is stored as (out, in)."""


@dataclass(frozen=True, slots=True)
class Param:
    """A tensor that the network holds: a parameter or a buffer.

    `key` is its identity (two uses of one tensor have one key), `name` the target's own path
    to it, empty where it is not registered with the network.
    """

    key: str
    name: str
    shape: Shape
    trainable: bool
    registered: bool = True


# Operators that a capture may hold beside those of `resnet_ref.layers`.


@dataclass(frozen=True, slots=True)
class Parameter:
    """The source of a parameter or buffer."""

    param: Param


@dataclass(frozen=True, slots=True)
class Input:
    """The source of the image batch."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A tensor filled with one number; `value` is None where it is not known."""

    value: float | None


@dataclass(frozen=True, slots=True)
class RawConv:
    """A convolution as called: inputs (x, weight) or (x, weight, bias); padding in numbers."""

    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    groups: int
    channels_last: bool = False


@dataclass(frozen=True, slots=True)
class RawPool:
    """A pooling as called; `adaptive` holds the output size where it is an adaptive one."""

    kind: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    ceil_mode: bool = False
    count_include_pad: bool = False
    adaptive: tuple[int, int] | None = None
    channels_last: bool = False


@dataclass(frozen=True, slots=True)
class RawNorm:
    """A batch normalisation as called: inputs (x, mean, variance, scale, shift)."""

    eps: float
    momentum: float
    statistics: str
    channels_last: bool = False


@dataclass(frozen=True, slots=True)
class Matmul:
    """x @ w, or x @ w.T."""

    transposed: bool = False


@dataclass(frozen=True, slots=True)
class Einsum:
    """A sum of products by Einstein's convention; no ellipsis, no blanks."""

    equation: str


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of a map as columns: (N, C, H, W) to (N, C x rows x columns, positions)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Unfold:
    """Windows of `size` along one axis, every `step`; a window's elements make the last axis."""

    axis: int
    size: int
    step: int


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation other than ReLU; `numbers` are what it depends on: limits, slopes."""

    name: str
    numbers: tuple[float, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of single elements, by NumPy's name; `arguments` in order, None for an input."""

    name: str
    arguments: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Multiply:
    """Elementwise product of two values."""


ROUNDED = 1e-5
"""Factors are kept to six digits by some adapters."""


@dataclass(frozen=True, slots=True)
class Scale:
    """factor * x + offset, both plain numbers."""

    factor: float
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Concat:
    """Concatenation along `axis`."""

    axis: int


@dataclass(frozen=True, slots=True)
class Slice:
    """x[start:stop:step] along each of `axes`."""

    axes: tuple[int, ...]
    starts: tuple[int, ...]
    stops: tuple[int, ...]
    steps: tuple[int, ...]


def cuts(axis: int, sizes: Iterable[int]) -> Iterator[Slice]:
    """The slices that cut an axis into parts of these sizes, in order."""
    start = 0
    for size in sizes:
        yield Slice((axis,), (start,), (start + size,), (1,))
        start += size


@dataclass(frozen=True, slots=True)
class Pad:
    """Padding: (before, after) for every axis of the tensor."""

    amounts: tuple[tuple[int, int], ...]
    mode: str = "constant"
    value: float = 0.0
    channels_last: bool = False


@dataclass(frozen=True, slots=True)
class ChannelPad:
    """Zero channels in front of and behind the input's own."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Transpose:
    """Permutation of the axes."""

    order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same elements in another shape, in order."""


@dataclass(frozen=True, slots=True)
class Expand:
    """Broadcast to a larger shape."""


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean over `axes`."""

    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """Sum over `axes`."""

    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest element over `axes`."""

    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Variance:
    """Variance over `axes`: squares of n distances from the mean, by n less `correction`."""

    axes: tuple[int, ...]
    correction: float


@dataclass(frozen=True, slots=True)
class Cast:
    """Conversion to another element type."""

    dtype: str


@dataclass(frozen=True, slots=True)
class Dropout:
    """Zeroes elements at random with probability `p`; `active` where it does so in this mode."""

    p: float
    active: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """Puts out what it takes in."""


@dataclass(frozen=True, slots=True)
class Detach:
    """Puts out what it takes in and lets no gradient pass."""


@dataclass(frozen=True, slots=True)
class Softmax:
    """Softmax over `axis`."""

    axis: int
    log: bool = False


@dataclass(frozen=True, slots=True)
class Other:
    """An operator that no documented ResNet has; `attributes` are in words."""

    name: str
    attributes: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One operator: what it does, what it reads, the value it makes, where the user wrote it.

    `detached` says that its output carries no gradient though an input does. `order` says how
    its weight is stored: which of the stored axes are, in turn, those of a convolution
    (out, in, height, width) or a linear map (in, out); empty where they are these already.
    """

    op: object
    inputs: tuple[int, ...]
    output: int
    origin: str = ""
    detached: bool = False
    order: tuple[int, ...] = ()


@dataclass(frozen=True)
class Graph:
    """A captured forward pass in one mode, nodes in execution order.

    `remarks` say what the adapter had to take for granted.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    shapes: Mapping[int, Shape]
    dtypes: Mapping[int, str] = field(default_factory=dict)
    training: bool = False
    registered: tuple[Param, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def fresh(self) -> int:
        """The first number that no value has, nor any behind it."""
        return max(self.shapes, default=0) + 1

    @cached_property
    def producers(self) -> Mapping[int, Node]:
        """The node that makes each value."""
        return {node.output: node for node in self.nodes}

    @cached_property
    def held(self) -> frozenset[int]:
        """The parameters, and what is computed from nothing but parameters and constants."""
        fixed: dict[int, bool] = {}  # by value, whether a parameter is among what it is made of
        for node in self.nodes:
            if isinstance(node.op, Parameter | Constant):
                fixed[node.output] = isinstance(node.op, Parameter)
            elif node.inputs and all(value in fixed for value in node.inputs):
                fixed[node.output] = any(fixed[value] for value in node.inputs)
        return frozenset(value for value, from_parameters in fixed.items() if from_parameters)

    def param(self, value: int) -> Param | None:
        """The parameter that `value` is, if it is one."""
        node = self.producers.get(value)
        return node.op.param if node is not None and isinstance(node.op, Parameter) else None

    def parts(self, value: int) -> tuple[Param, ...]:
        """The parameters that `value` is: one, several joined along an axis, or none."""
        node = self.producers.get(value)
        if node is None or not isinstance(node.op, Parameter | Concat):
            return ()
        if isinstance(node.op, Parameter):
            return (node.op.param,)
        params = [self.param(part) for part in node.inputs]
        return tuple(param for param in params if param) if all(params) else ()

    def params_of(self, node: Node) -> list[Param]:
        """The parameters and buffers that an operator reads, in order."""
        return [param for value in node.inputs for param in self.parts(value)]

    @cached_property
    def idle(self) -> tuple[Param, ...]:
        """What is registered, but takes no part in the forward pass."""
        reached = self.reachable(self.outputs)
        in_use = {param.key for value in reached if (param := self.param(value))}
        return tuple(param for param in self.registered if param.key not in in_use)

    @property
    def idle_buffers(self) -> tuple[Param, ...]:
        """Those of them that are not trained: a loss's weights, say."""
        return tuple(param for param in self.idle if not param.trainable)

    def own_name(self, value: int | None) -> str:
        """The target's own name for the operator that makes `value`: a path, or a source line."""
        node = None if value is None else self.producers.get(value)
        if node is None:
            return ""
        names = [param.name for param in self.params_of(node) if param.name]
        return names[0].rpartition(".")[0] or names[0] if names else node.origin

    def reachable(self, outputs: Iterable[int]) -> set[int]:
        """The values that `outputs` are computed from, themselves included."""
        found: set[int] = set()
        waiting = list(outputs)
        while waiting:
            value = waiting.pop()
            if value not in found:
                found.add(value)
                node = self.producers.get(value)
                waiting.extend(node.inputs if node else ())
        return found
