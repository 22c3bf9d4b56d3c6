"""A captured network in canonical order, held against a documented form.

The canonical order is that of `resnet_ref.places`: a block's branch, its shortcut, the addition,
what follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from resnet_ref.layers import Softmax
from resnet_verify.alignment import Alignment, align
from resnet_verify.form import Form, Place
from resnet_verify.graph import Constant, Graph, Input, Node


@dataclass(frozen=True)
class Canonical:
    """A captured graph in canonical order, from its main output backwards."""

    graph: Graph
    main: int
    nodes: tuple[Node, ...]

    @cached_property
    def ops(self) -> tuple[object, ...]:
        """What each node does."""
        return tuple(node.op for node in self.nodes)

    @cached_property
    def positions(self) -> dict[int, int]:
        """Position by value."""
        return {node.output: position for position, node in enumerate(self.nodes)}


def in_canonical_order(graph: Graph) -> Canonical:
    """Depth first from the main output, the longest path into each operator first."""
    depth: dict[int, int] = {}
    for node in graph.nodes:
        below = [depth[value] for value in node.inputs if value in depth]
        computes = node.output not in graph.held
        depth[node.output] = computes + max(below, default=0)
    main = _main_output(graph, depth)
    ordered: list[Node] = []
    seen: set[int] = set()
    waiting: list[tuple[int, bool]] = [(main, False)]
    while waiting:
        value, expanded = waiting.pop()
        made = graph.producers.get(value)
        if made is None or value in graph.held or isinstance(made.op, Constant | Input):
            continue
        if expanded:
            ordered.append(made)
        elif value not in seen:
            seen.add(value)
            waiting.append((value, True))
            inputs = sorted(dict.fromkeys(made.inputs), key=lambda v: depth.get(v, 0))
            waiting.extend((v, False) for v in inputs)
    return Canonical(graph, main, tuple(ordered))


def _main_output(graph: Graph, depth: dict[int, int]) -> int:
    """The deepest output; probabilities beside the logits they are made of do not count."""
    outputs = set(graph.outputs)
    derived = {
        value
        for value in outputs
        if isinstance(graph.producers[value].op, Softmax)
        and outputs.intersection(graph.producers[value].inputs)
    }
    return max((value for value in graph.outputs if value not in derived), key=depth.__getitem__)


@dataclass(frozen=True)
class Match:
    """A captured network held against the form that it is nearest to."""

    found: Canonical
    form: Form
    alignment: Alignment


def match_with(found: Canonical, form: Form) -> Match:
    """Hold a network in canonical order against one form."""
    return Match(found, form, align(found.ops, form.ops))


def operands(found: Canonical, node: Node) -> Sequence[int]:
    """The values that a node reads, constants and what is computed from parameters left out."""
    graph = found.graph
    return [
        value
        for value in node.inputs
        if value not in graph.held and not isinstance(graph.producers[value].op, Constant)
    ]


def paired(match: Match) -> Iterator[tuple[Node, Place]]:
    """Each operator of the target with the place of the form that it stands at."""
    for i, j in match.alignment.pairs:
        if i is not None and j is not None:
            yield match.found.nodes[i], match.form.places[j]


def places_by_value(match: Match) -> dict[int, Place]:
    """The place of each paired operator, by the value that it makes."""
    return {node.output: place for node, place in paired(match)}


def source_place(match: Match, place_of: Mapping[int, Place], value: int) -> Place | None:
    """The place that `value` comes from, unpaired operators read through; None for the image."""
    found = match.found
    while value not in place_of and value in found.positions:
        upstream = operands(found, found.nodes[found.positions[value]])
        value = next(iter(upstream), -1)
    return place_of.get(value)


@dataclass(frozen=True)
class Misread:
    """An operator that reads something else than in the form; the readings are locations."""

    node: Node
    place: Place
    found: tuple[str, ...]
    expected: tuple[str, ...]


def misread(match: Match) -> list[Misread]:
    """Every such operator; what the alignment left unpaired is read through."""
    place_of = places_by_value(match)
    found_places = {place.where for place in place_of.values()}
    places, found = match.form.places, match.found

    def source(value: int) -> str:
        place = source_place(match, place_of, value)
        return place.where if place else "the image"

    def wanted(position: int) -> str:
        while position >= 0 and places[position].where not in found_places:
            position = places[position].inputs[0]
        return places[position].where if position >= 0 else "the image"

    wrong: list[Misread] = []
    for node, place in paired(match):
        have = tuple(source(value) for value in operands(found, node))
        want = tuple(wanted(position) for position in place.inputs)
        if sorted(have) != sorted(want):
            wrong.append(Misread(node, place, have, want))
    return wrong


def unused_nodes(match: Match) -> list[Node]:
    """Operators that are computed and go nowhere."""
    graph = match.found.graph
    used = graph.reachable(graph.outputs)
    return [node for node in graph.nodes if node.output not in used and node.inputs]
