"""Find the documented form that a captured network is nearest to.

The graph is brought into one canonical order, the order of `resnet_ref.places`: a block's
branch, its shortcut, the addition, what follows. A shortlist by the operators alone, then an
alignment with each form on it, decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

from resnet_ref.layers import (
    BatchNorm,
    Conv,
    GlobalAvgPool,
    Linear,
    Softmax,
)
from resnet_ref.spec import ARCHITECTURES, ResNetSpec, canonical_variant, documented_forms
from resnet_verify.alignment import SMALL, Alignment, align, differing_fields
from resnet_verify.folding import norm_count
from resnet_verify.form import Fold, Form, Place, form_of
from resnet_verify.graph import Graph, Input, Node, Parameter

SHORTLISTED_ARCHITECTURES = 3
SHORTLISTED_FORMS = 5
NEAR_ARCHITECTURE, NEAR_FORM = 24, 24
"""How many more operators than the nearest a candidate may have unmatched and still be tried."""
D2L_RARITY = 3.9
"""By what d2l must be nearer than v1: as much as v1 without its three projection norms costs."""
SWITCHES = ("bias", "eps", "affine")
"""Attributes that people set for the whole network at once."""
MISREAD = 0.5
"""What it costs that an operator reads something else than in the form."""
REPEATED = 0.5
"""The share of its cost that such an attribute is let off where it has differed before."""


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
        computes = not isinstance(node.op, Parameter)
        depth[node.output] = computes + max(below, default=0)
    main = _main_output(graph, depth)
    ordered: list[Node] = []
    seen: set[int] = set()
    waiting: list[tuple[int, bool]] = [(main, False)]
    while waiting:
        value, expanded = waiting.pop()
        made = graph.producers.get(value)
        if made is None or isinstance(made.op, Parameter | Input):
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


def recognise(
    found: Canonical,
    arch: str | None = None,
    variant: str | None = None,
    allow_head: Sequence[str] = (),
) -> Match:
    """The nearest documented form, of `arch` and `variant` where these are given.

    Heads in `allow_head` are taken for documented wherever the network has them.
    """
    matches: list[Match] = []
    for form in _shortlist(found, arch, variant, allow_head):
        matches.append(match_with(found, form))
        if matches[-1].alignment.cost == 0 and not misread(matches[-1]):
            break
    return min(matches, key=_farness)


def _farness(match: Match) -> float:
    """The alignment's cost with an attribute that differs everywhere counted once, near enough."""
    repeated: Counter[tuple[object, ...]] = Counter()
    for node, place in paired(match):
        if isinstance(place.op, Conv | BatchNorm) and type(node.op) is type(place.op):
            names = differing_fields(node.op, place.op)
            repeated.update((name, getattr(node.op, name)) for name in names if name in SWITCHES)
    saved = sum((count - 1) * SMALL * REPEATED for count in repeated.values())
    rarity = D2L_RARITY if match.form.spec.variant == "d2l" else 0.0
    return match.alignment.cost - saved + rarity + MISREAD * len(misread(match))


def match_with(found: Canonical, form: Form) -> Match:
    """Hold a network in canonical order against one form."""
    return Match(found, form, align(found.ops, form.ops))


def _shortlist(
    found: Canonical, arch: str | None, variant: str | None, allow_head: Sequence[str]
) -> list[Form]:
    wanted = Counter(map(_signature, found.ops))
    # One name for a variant that has two: v1 and v1.5 are the same without a bottleneck.
    named = {name: canonical_variant(name, variant) if variant else None
             for name in ([arch] if arch else _architectures_with(variant))}  # fmt: skip
    head = _head(found)
    dilations = [op.dilation for op in found.ops if isinstance(op, Conv)]
    # A forgotten stride makes no dilated backbone.
    dilated = any(dilation != (1, 1) for dilation in dilations)
    candidates: list[tuple[int, int, Form]] = []
    for name in _nearest_architectures(found, list(named)):
        for spec in documented_forms(name, *_interface(found)):
            if named[name] not in (None, spec.variant):
                continue
            if spec.output_stride != spec.native_stride and not dilated:
                continue
            for form in _foldings(found, _with_head(spec, head, allow_head)):
                here = Counter(map(_signature, form.ops))
                distance = (wanted - here).total() + (here - wanted).total()
                distance += int(_switches(found.ops) != _switches(form.ops))
                candidates.append((distance, len(candidates), form))
    candidates.sort(key=lambda candidate: candidate[:2])
    limit = candidates[0][0] + NEAR_FORM
    return [form for far, _, form in candidates[:SHORTLISTED_FORMS] if far <= limit]


def _foldings(found: Canonical, form: Form) -> Iterator[Form]:
    """The form, and where the network cannot train and has fewer norms, the same folded.

    In a network that can train, a norm that is not there is missing.
    """
    yield form
    norms = sum(isinstance(op, BatchNorm) for op in found.ops)
    if not found.graph.training and norms < norm_count(form.network):
        biased = any(isinstance(op, Conv) and op.bias for op in found.ops)
        fold: Fold = "with bias" if biased else "without bias"
        yield form_of(form.spec, pooled=form.pooled, fold=fold)


def _signature(op: object) -> object:
    """What an operator is, without what is set for a whole network at once."""
    if isinstance(op, BatchNorm):
        return (BatchNorm, op.channels)
    return replace(op, bias=False) if isinstance(op, Conv) else op


def _switches(ops: Sequence[object]) -> set[tuple[str, object]]:
    biases = {("bias", op.bias) for op in ops if isinstance(op, Conv)}
    return biases | {("eps", f"{op.eps:.2g}") for op in ops if isinstance(op, BatchNorm)}


def _architectures_with(variant: str | None) -> list[str]:
    """The architectures for which `variant` is documented, under its own or another name."""
    found: list[str] = []
    for arch in ARCHITECTURES:
        with suppress(ValueError):
            found += [arch] if variant is None or canonical_variant(arch, variant) else []
    return found


def _nearest_architectures(found: Canonical, among: Sequence[str]) -> list[str]:
    """By the widths, kernels and groups of the convolutions: what no variant changes much."""
    wanted = Counter(_conv_signature(op) for op in found.ops if isinstance(op, Conv))
    distances: list[tuple[int, str]] = []
    for arch in among:
        first = next(iter(documented_forms(arch, *_interface(found))))
        here = Counter(_conv_signature(op) for op in form_of(first).ops if isinstance(op, Conv))
        distances.append(((wanted - here).total() + (here - wanted).total(), arch))
    nearest = sorted(distances, key=lambda pair: pair[0])[:SHORTLISTED_ARCHITECTURES]
    return [arch for far, arch in nearest if far <= nearest[0][0] + NEAR_ARCHITECTURE]


def _conv_signature(conv: Conv) -> tuple[object, ...]:
    return (conv.in_channels, conv.out_channels, conv.kernel, conv.groups)


def _interface(found: Canonical) -> tuple[int, int]:
    """(classes, input channels) as the target has them."""
    linear = [op for op in found.ops if isinstance(op, Linear)]
    conv = next((op for op in found.ops if isinstance(op, Conv)), None)
    return (linear[-1].out_features if linear else 1000, conv.in_channels if conv else 3)


def _head(found: Canonical) -> str:
    """classifier, softmax, log_softmax, pooled or none, by what the main output comes from."""
    last = found.nodes[-1].op if found.nodes else None
    if isinstance(last, Softmax):
        return "log_softmax" if last.log else "softmax"
    if any(isinstance(op, Linear) for op in found.ops[-8:]):
        return "classifier"
    return "pooled" if isinstance(last, GlobalAvgPool) else "none"


def _with_head(spec: ResNetSpec, head: str, allowed: Sequence[str]) -> Form:
    """A form with the head that the target has; a softmax only where documented or allowed."""
    if head in ("none", "pooled"):
        return form_of(replace(spec, head="none"), pooled=head == "pooled")
    right = head == spec.head or head in allowed
    return form_of(replace(spec, head=head if right else "classifier"))  # type: ignore[arg-type]


def found_head(found: Canonical) -> str:
    """The head as the report names it."""
    head = _head(found)
    return "none" if head == "pooled" else head


def operands(found: Canonical, node: Node) -> Sequence[int]:
    """The values that a node reads, parameters left out."""
    return [value for value in node.inputs if found.graph.param(value) is None]


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
