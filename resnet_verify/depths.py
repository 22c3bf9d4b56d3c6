"""Count the blocks of each stage in a captured network, apart from any alignment."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from resnet_ref.layers import Add, BatchNorm, Conv
from resnet_ref.spec import ResNetSpec
from resnet_verify.difference import Difference
from resnet_verify.form import Form, form_of
from resnet_verify.match import Canonical, Match, match_with

WRONG_DEPTH = 2.0
"""What a wrong number of blocks costs: a form of other depths must be nearer by more."""


def with_found_depths(match: Match) -> Match | None:
    """The match with the same form at the target's own depths, where that explains it better."""
    spec, found = match.form.spec, found_depths(match.found, match.form.spec)
    if match.alignment.cost <= WRONG_DEPTH or found is None or found == spec.depths:
        return None
    other = match_with(match.found, at_depths(match.form, found))
    return other if other.alignment.cost + WRONG_DEPTH < match.alignment.cost else None


def at_depths(form: Form, depths: tuple[int, ...]) -> Form:
    """The same form with other numbers of blocks."""
    spec = replace(form.spec, depths=depths)
    return form_of(spec, pooled=form.pooled, folding=form.folding)


def found_depths(found: Canonical, spec: ResNetSpec) -> tuple[int, ...] | None:
    """Additions by the channels that they add, in stages of the widths of `spec`."""
    channels: dict[int, int] = {}
    counts: Counter[int] = Counter()
    for node in found.nodes:
        known = [channels[value] for value in node.inputs if value in channels]
        made = channels[node.output] = known[0] if known else 0
        if isinstance(node.op, Conv):
            channels[node.output] = node.op.out_channels
        elif isinstance(node.op, BatchNorm):
            channels[node.output] = node.op.channels
        elif isinstance(node.op, Add):
            counts[made] += 1
    depths = tuple(counts[width * spec.expansion] for width in spec.widths)
    return depths if all(depths) and sum(depths) == counts.total() else None


def depth_difference(wanted: Match, found: Match) -> Difference:
    """The numbers of blocks, documented and found."""
    spec, depths = wanted.form.spec, found.form.spec.depths
    wrong = [
        f"stage {stage} has {have} block{'s' * (have != 1)}, {spec.arch} has {want}"
        for stage, (have, want) in enumerate(zip(depths, spec.depths, strict=True), start=1)
        if have != want
    ]
    return Difference(
        "blocks",
        wrong[0].partition(" has")[0],
        f"{'-'.join(map(str, spec.depths))} blocks",
        f"{'-'.join(map(str, depths))} blocks",
        f"the number of blocks is off: {'; '.join(wrong)}",
    )
