"""Layers that are written as parallel branches, each of them with its share of the channels.

A grouped convolution is a convolution for each group, side by side, and a sum of convolutions
is one of what they read, side by side: Xie et al. 2017, https://arxiv.org/abs/1611.05431, figure
3, writes a block of ResNeXt in these three ways. So layers of one kind whose results are joined
along the channels are one layer, whose parameters are joined as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace

from resnet_ref.layers import Add, Relu
from resnet_verify.graph import (
    Activation,
    Cast,
    Concat,
    Graph,
    Identity,
    Node,
    Other,
    RawConv,
    RawNorm,
    RawPool,
    Scale,
    Shape,
    Slice,
)


def with_branches_joined(graph: Graph) -> Graph:
    """`graph` with one layer in place of those that stand side by side."""
    joiner = _Joiner(graph)
    nodes = [made for node in graph.nodes for made in joiner.read(node)]
    if not joiner.spent:
        return graph
    rewritten = replace(graph, nodes=tuple(nodes), shapes={**graph.shapes, **joiner.shapes},
                        dtypes={**graph.dtypes, **joiner.dtypes})  # fmt: skip
    return replace(rewritten, nodes=tuple(_without(joiner.spent, rewritten)))


def _without(spent: Set[int], graph: Graph) -> Iterator[Node]:
    """The nodes but for what was spent, and what reads it and goes nowhere."""
    read, gone = graph.reachable(graph.outputs), set(spent)
    for node in graph.nodes:
        if node.output in read or not (node.output in gone or gone.intersection(node.inputs)):
            yield node
        else:
            gone.add(node.output)


@dataclass
class _Attempt:
    """One layer after the other, as long as all branches have the like."""

    axis: int
    made: list[Node] = field(default_factory=list)
    spent: set[int] = field(default_factory=set)


def _rarest(ops: Sequence[object]) -> object:
    """What distinguishes a branch from the others, if one does."""
    return min(ops, key=ops.count)


class _Joiner:
    """Looks for branches that end in a concatenation or in a sum."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.shapes: dict[int, Shape] = {}
        self.dtypes: dict[int, str] = {}
        self.spent: set[int] = set()
        self._fresh = graph.fresh
        self._readers: defaultdict[int, list[Node]] = defaultdict(list)
        read = graph.reachable(graph.outputs)
        for node in graph.nodes:
            for value in node.inputs if node.output in read else ():
                self._readers[value].append(node)

    def read(self, node: Node) -> Iterator[Node]:
        """What stands in the place of `node`."""
        made: Sequence[Node] = ()
        if isinstance(node.op, Concat) and len(node.inputs) > 1:
            made = self._concatenated(node, node.op.axis)
        elif isinstance(node.op, Add) and not self._is_summand(node.output):
            made = self._summed(node)
        yield from made or (node,)

    def _concatenated(self, node: Node, axis: int) -> Sequence[Node]:
        attempt = _Attempt(axis)
        whole = self._joined(node.inputs, attempt)
        if whole is None or not any(isinstance(made.op, RawConv) for made in attempt.made):
            return ()  # padding, say, or rows in another order
        self.spent |= attempt.spent
        return (*attempt.made, Node(Identity(), (whole,), node.output, node.origin))

    def _summed(self, node: Node) -> Sequence[Node]:
        """Convolutions of a sum that are alike, as one, and the sum of what is left."""
        alike: defaultdict[object, list[int]] = defaultdict(list)
        within: list[int] = []
        summands = list(self._summands(node.inputs, within))
        for value in summands:
            made = self.graph.producers.get(value)
            if (
                made
                and isinstance(made.op, RawConv)
                and len(made.inputs) == 2
                and made.op.groups == 1
            ):
                alike[made.op, self._shape(made.inputs[1])].append(value)
        nodes: list[Node] = []
        for values in alike.values():
            one = self._one_of(values) if len(values) > 1 else ()
            if one:
                nodes += one
                summands = [one[-1].output, *(v for v in summands if v not in values)]
        if not nodes:
            return ()
        self.spent.update(within)
        total, *others = summands
        for value in others:
            added = self._like(total, self._shape(total))
            nodes.append(Node(Add(), (total, value), added, node.origin))
            total = added
        return (*nodes, Node(Identity(), (total,), node.output, node.origin))

    def _one_of(self, values: Sequence[int]) -> Sequence[Node]:
        """The convolution that a sum of convolutions is."""
        nodes = [self.graph.producers[value] for value in values]
        op = nodes[0].op
        assert isinstance(op, RawConv)
        attempt = _Attempt(3 if op.channels_last else 1)
        if not all(map(self._is_plain, nodes)):
            return ()
        source = self._joined([node.inputs[0] for node in nodes], attempt)
        weight = self._stacked([node.inputs[1] for node in nodes], 1, attempt)
        if source is None or weight is None:
            return ()
        self.spent |= attempt.spent | set(values)
        made = self._like(values[0], self._shape(values[0]))
        return (*attempt.made, replace(nodes[0], inputs=(source, weight), output=made))

    def _summands(self, values: Iterable[int], within: list[int]) -> Iterator[int]:
        """What is added up, the sums on the way, `within`, taken apart."""
        for value in values:
            if self._is_summand(value):
                within.append(value)
                yield from self._summands(self.graph.producers[value].inputs, within)
            else:
                yield value

    def _is_summand(self, value: int) -> bool:
        """Whether a value is a part of a sum, or a start at zero, and nothing else."""
        node = self.graph.producers.get(value)
        if node is None:
            return False
        readers = self._readers[value]
        adds = isinstance(node.op, Add) or node.op == Scale(1.0)
        alone = len(readers) == 1 and value not in self.graph.outputs and not node.detached
        return adds and alone and isinstance(readers[0].op, Add)

    def _joined(self, values: Sequence[int], attempt: _Attempt) -> int | None:
        """The value whose channels are those of `values`, one after the other."""
        if len(values) < 2 or any(len(self._shape(value)) != 4 for value in values):
            return None
        nodes = [self.graph.producers[value] for value in values]
        attempt.spent.update(values)
        if all(isinstance(node.op, Slice) for node in nodes):
            return self._cut_up(nodes, attempt)
        if not all(map(self._is_plain, nodes)):
            return None
        if len({type(node.op) for node in nodes}) > 1:
            return self._activated_in_part(values, attempt)
        op = _rarest([node.op for node in nodes])
        if isinstance(op, RawConv | RawNorm | RawPool):
            if attempt.axis != (3 if op.channels_last else 1):
                return None
        match op:
            case RawConv():
                return self._conv(op, nodes, attempt)
            case RawNorm() | Relu() | Identity() | Cast() | RawPool():
                return self._each(op, nodes, attempt)
            case _:
                return None

    def _is_plain(self, node: Node) -> bool:
        """Whether nothing else goes on with a value, and it is all that its inputs make it."""
        alone = len(self._readers[node.output]) == 1 and node.output not in self.graph.outputs
        return alone and not node.detached and not node.order

    def _cut_up(self, nodes: Sequence[Node], attempt: _Attempt) -> int | None:
        """The value whose channels these are, or a reordering of them."""
        (whole, *others), axis = nodes[0].inputs, attempt.axis
        parts = [self._channels(node, axis) for node in nodes]
        if others or any(node.inputs != (whole,) for node in nodes) or None in parts:
            return None
        channels = [channel for part in parts if part for channel in part]
        if channels == list(range(self._shape(whole)[axis])):
            return whole
        words = ", ".join(f"{part.start} to {part.stop - 1}" for part in parts if part)
        reordered = Other("another choice of channels", words)
        return self._made(reordered, (whole,), nodes, attempt)

    def _channels(self, node: Node, axis: int) -> range | None:
        """Which channels a slice takes; None where it takes but a part of the image."""
        assert isinstance(node.op, Slice)
        taken, shape = None, self._shape(node.inputs[0])
        for along, *cut in zip(
            node.op.axes, node.op.starts, node.op.stops, node.op.steps, strict=True
        ):
            if along == axis:
                taken = range(*cut)
            elif cut != [0, shape[along], 1]:
                return None
        return taken

    def _activated_in_part(self, values: Sequence[int], attempt: _Attempt) -> int | None:
        """What is left out in some of the branches is an operator of its own."""
        nodes = [self.graph.producers[value] for value in values]
        for kind in (Relu, Activation):
            done = [node for node in nodes if isinstance(node.op, kind)]
            if done:
                before = [node.inputs[0] if node in done else node.output for node in nodes]
                source = self._joined(before, attempt)
                if source is None:
                    return None
                partly = Other(f"{len(done)} of {len(nodes)} branches activated")
                return self._made(partly, (source,), nodes, attempt)
        return None

    def _conv(self, op: RawConv, nodes: Sequence[Node], attempt: _Attempt) -> int | None:
        """Of one map a wider convolution, of several a grouped one."""
        if len({node.inputs[0] for node in nodes}) == 1:
            source, groups = nodes[0].inputs[0], 1
            if op.groups > 1:
                read = [self.graph.producers[source]] * len(nodes)
                repeated = Other("another choice of channels", f"the same {len(read)} times")
                source, groups = self._made(repeated, (source,), read, attempt), len(read)
        else:
            joined = self._joined([node.inputs[0] for node in nodes], attempt)
            if joined is None or len({self._shape(node.inputs[1]) for node in nodes}) > 1:
                return None
            source, groups = joined, len(nodes)
        whole = replace(op, groups=op.groups * groups)
        return self._with_parameters(whole, source, nodes, attempt)

    def _each(self, op: object, nodes: Sequence[Node], attempt: _Attempt) -> int | None:
        """What is done with each channel by itself."""
        source = self._joined([node.inputs[0] for node in nodes], attempt)
        return None if source is None else self._with_parameters(op, source, nodes, attempt)

    def _with_parameters(
        self, op: object, source: int, nodes: Sequence[Node], attempt: _Attempt
    ) -> int | None:
        if len({len(node.inputs) for node in nodes}) > 1:
            return None
        stacks = [
            self._stacked(values, 0, attempt)
            for values in list(zip(*(node.inputs for node in nodes), strict=True))[1:]
        ]
        held = tuple(stack for stack in stacks if stack is not None)
        return self._made(op, (source, *held), nodes, attempt) if len(held) == len(stacks) else None

    def _made(
        self, op: object, inputs: tuple[int, ...], nodes: Sequence[Node], attempt: _Attempt
    ) -> int:
        """The value that stands for what `nodes` make, side by side."""
        first, shape = nodes[0], list(self._shape(nodes[0].output))
        shape[attempt.axis] = sum(self._shape(node.output)[attempt.axis] for node in nodes)
        value = self._like(first.output, tuple(shape))
        attempt.made.append(Node(op, inputs, value, first.origin))
        return value

    def _stacked(self, values: Sequence[int], axis: int, attempt: _Attempt) -> int | None:
        """Parameters joined along an axis."""
        if not all(map(self.graph.param, values)):
            return None
        shape = list(self._shape(values[0]))
        shape[axis] = sum(self._shape(value)[axis] for value in values)
        value = self._like(values[0], tuple(shape))
        attempt.made.append(Node(Concat(axis), tuple(values), value))
        return value

    def _shape(self, value: int) -> Shape:
        return self.shapes.get(value) or self.graph.shapes[value]

    def _like(self, value: int, shape: Shape) -> int:
        """A new value of the type of another."""
        made, self._fresh = self._fresh, self._fresh + 1
        self.shapes[made] = shape
        if value in self.graph.dtypes:
            self.dtypes[made] = self.graph.dtypes[value]
        return made
