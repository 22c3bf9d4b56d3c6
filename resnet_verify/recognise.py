"""Find the documented form that a captured network is nearest to.

A shortlist by the operators alone, then an alignment with each form on it, decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from resnet_ref.architectures import ARCHITECTURES
from resnet_ref.layers import (
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Linear,
    Softmax,
)
from resnet_ref.spec import ResNetSpec, documented_forms
from resnet_ref.variants import canonical_variant
from resnet_verify.alignment import SMALL, differing_fields
from resnet_verify.depths import WRONG_DEPTH, at_depths, found_depths, with_found_depths
from resnet_verify.folding import Folding
from resnet_verify.form import Form, form_of
from resnet_verify.match import Canonical, Match, match_with, misread, paired

SHORTLISTED_ARCHITECTURES = 3
SHORTLISTED_FORMS = 8
NEAR_ARCHITECTURE, NEAR_FORM = 24, 24
"""How many more operators than the nearest a form may have unmatched and still be tried."""
D2L_RARITY = 3.9
"""By what d2l must be nearer than v1: as much as v1 without its three projection norms costs."""
SWITCHES = ("bias", "eps", "affine")
"""Attributes that people set for the whole network at once."""
MISREAD = 0.5
"""What it costs that an operator reads something else than in the form."""
REPEATED = 0.5
"""The share of its cost that such an attribute is let off where it has differed before."""


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
    return _with_norms_kept(min(matches, key=_farness))


def _farness(match: Match) -> float:
    """How far the network is from a form, a wrong number of blocks counted once."""
    deeper = with_found_depths(match)
    return _distance(match) if deeper is None else WRONG_DEPTH + _distance(deeper)


def _distance(match: Match) -> float:
    """The alignment's cost with an attribute that differs everywhere counted once, near enough."""
    repeated: Counter[tuple[object, ...]] = Counter()
    for node, place in paired(match):
        if isinstance(place.op, Conv | BatchNorm) and type(node.op) is type(place.op):
            names = differing_fields(node.op, place.op)
            repeated.update((name, getattr(node.op, name)) for name in names if name in SWITCHES)
    saved = sum((count - 1) * SMALL * REPEATED for count in repeated.values())
    rarity = D2L_RARITY if match.form.spec.variant == "d2l" else 0.0
    return match.alignment.cost - saved + rarity + MISREAD * len(misread(match))


def _shortlist(
    found: Canonical, arch: str | None, variant: str | None, allow_head: Sequence[str]
) -> list[Form]:
    """The forms that share most operators with the network, the likeliest first."""
    head, dropout = _head(found), _head_dropout(found)
    forms = [
        form
        for spec in _asked_for(found, arch, variant)
        for form in _foldings(found, _with_head(replace(spec, dropout=dropout), head, allow_head))
    ]
    ranked = sorted((_unlikeness(found, form), number) for number, form in enumerate(forms))
    limit = ranked[0][0] + NEAR_FORM
    return [forms[number] for far, number in ranked[:SHORTLISTED_FORMS] if far <= limit]


def _asked_for(found: Canonical, arch: str | None, variant: str | None) -> list[ResNetSpec]:
    """The documented forms that may be meant, of the architectures that are near."""
    # One name for a variant that has two: v1 and v1.5 are the same without a bottleneck.
    named = {name: canonical_variant(name, variant) if variant else None
             for name in ([arch] if arch else _architectures_with(variant))}  # fmt: skip
    dilations = [op.dilation for op in found.ops if isinstance(op, Conv)]
    # A forgotten stride makes no dilated backbone.
    dilated = any(dilation != (1, 1) for dilation in dilations)
    return [
        spec
        for name in _nearest_architectures(found, list(named))
        for spec in documented_forms(name, *_interface(found))
        if named[name] in (None, spec.variant)
        if spec.output_stride == spec.native_stride or dilated
    ]


def _unlikeness(found: Canonical, form: Form) -> int:
    """How many operators one has and the other has not, at the network's own depths."""
    depths, far = found_depths(found, form.spec), 0
    if depths is not None and depths != form.spec.depths:
        form, far = at_depths(form, depths), NEAR_FORM
    have, want = Counter(map(_signature, found.ops)), Counter(map(_signature, form.ops))
    far += int(_switches(found.ops) != _switches(form.ops))
    return far + (have - want).total() + (want - have).total()


def _foldings(found: Canonical, form: Form) -> Iterator[Form]:
    """The form, and where the network cannot train and has fewer norms, the same folded.

    In a network that can train, a norm that is not there is missing.
    """
    yield form
    norms, wanted = (sum(isinstance(op, BatchNorm) for op in ops) for ops in (found.ops, form.ops))
    if not found.graph.training and norms < wanted:
        biased = any(isinstance(op, Conv) and op.bias for op in found.ops)
        yield form_of(form.spec, pooled=form.pooled, folding=Folding(biased))


def _with_norms_kept(match: Match) -> Match:
    """The match with the same form, in which a convolution without bias has its norm."""
    form = match.form
    if form.folding is None or not form.folding.bias:
        return match
    bare = {
        place.where
        for node, place in paired(match)
        if isinstance(node.op, Conv) and isinstance(place.op, Conv)
        if place.op.bias and not node.op.bias
    }
    folding = replace(form.folding, kept=frozenset(bare))
    return match_with(match.found, form_of(form.spec, pooled=form.pooled, folding=folding))


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


def _head_dropout(found: Canonical) -> float:
    """The probability of a dropout right before the classifier, which is everyone's own choice."""
    by_value = {node.output: node.op for node in found.nodes}
    linear = next((node for node in reversed(found.nodes) if isinstance(node.op, Linear)), None)
    before = by_value.get(linear.inputs[0]) if linear is not None else None
    return before.p if isinstance(before, Dropout) and before.p < 1 else 0.0


def found_head(found: Canonical) -> str:
    """The head as the report names it."""
    head = _head(found)
    return "none" if head == "pooled" else head
