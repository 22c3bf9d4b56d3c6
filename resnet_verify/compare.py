"""Word every difference between a captured network and the form that it is nearest to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from resnet_ref.layers import (
    Add,
    BatchNorm,
    Conv,
    Linear,
    PadShortcut,
    SqueezeExcite,
)
from resnet_verify.alignment import differing_fields
from resnet_verify.depths import depth_difference, with_found_depths
from resnet_verify.difference import ASPECTS, Aspect, Difference
from resnet_verify.form import Place, block_of
from resnet_verify.gaps import ASPECT_OF_MISSING, Gaps
from resnet_verify.graph import Detach, Input, Node
from resnet_verify.match import Match, Misread, misread, paired, unused_nodes
from resnet_verify.words import describe, padding, per_axis, size

FAR = 0.3
"""Past this share of unpaired operators a network is no variation of a form."""

# What follows from an operator's inputs is named once, at the operator that makes them.
CONSEQUENCES = {"in_channels", "in_features", "channels"}
ASPECT_OF_FIELD: dict[str, Aspect] = {
    "out_channels": "width",
    "out_features": "head",
    "squeezed": "width",
    "kernel": "kernel",
    "stride": "stride",
    "padding": "padding",
    "pad_mode": "padding",
    "ceil_mode": "padding",
    "count_include_pad": "padding",
    "dilation": "dilation",
    "groups": "groups",
    "bias": "bias",
    "affine": "affine",
    "eps": "eps",
    "after": "projection",
    "log": "head",
}
SWITCHES = {
    "bias": ("no bias", "with bias"),
    "affine": ("no scale and shift", "with scale and shift"),
    "ceil_mode": ("output size rounded down", "output size rounded up (ceil mode)"),
    "count_include_pad": ("leaves padding out of the mean", "counts padding in the mean"),
    "log": ("softmax", "log_softmax"),
}
MOMENTUM_RANGE = (0.5, 1.0)
"""A running statistic that keeps less than half at each step, or all of it, is a mistake."""


def differences(match: Match) -> list[Difference]:
    """Every structural deviation of a capture from its form, causes before consequences."""
    deeper = with_found_depths(match)
    if deeper is None:
        found = _differences(match)
    else:
        found = [depth_difference(match, deeper), *_differences(deeper)]
    return [replace(d, place=match.found.graph.own_name(d.value)) for d in found]


def _differences(match: Match) -> list[Difference]:
    if not _reads_image(match):
        return [
            Difference(
                "form", "the whole network", "an output that depends on the image",
                "one that does not",
                "the output does not depend on the image: the network gives what it has kept "
                "from another call, or a constant",
            )
        ]  # fmt: skip
    gaps = Gaps.of(match)
    if far := _too_far(match, gaps):
        return [far]
    by_gap = gaps.explain()
    touched = {block_of(difference.where) for difference in by_gap}
    found = [
        *by_gap,
        *(d for d in _operand_differences(match) if block_of(d.where) not in touched),
        *_attribute_differences(match),
        *_statistics(match),
        *_sharing(match),
        *_computed(match),
        *_detached(match),
        *_frozen(match),
        *(_unused(match) if not by_gap else ()),
    ]
    return sorted(found, key=lambda difference: ASPECTS.index(difference.aspect))


def _reads_image(match: Match) -> bool:
    graph = match.found.graph
    within = graph.reachable(graph.outputs)
    return any(isinstance(graph.producers[value].op, Input) for value in within)


def _too_far(match: Match, gaps: Gaps) -> Difference | None:
    unpaired = len(gaps.missing) + len(gaps.extra)
    # A norm that is folded is found, on either side.
    total = len(match.found.nodes) + len(match.form.places) + 2 * match.form.folded
    missing = len(gaps.missing)
    if unpaired <= FAR * total or missing <= FAR * len(match.form.places):
        return None
    spec = match.form.spec
    nearest = f"{spec.arch} {spec.variant}"
    return Difference(
        "form",
        "the whole network",
        "a documented ResNet",
        f"a network of {len(match.found.nodes)} operators",
        f"this is no documented ResNet: the nearest form, {nearest}, has {missing} "
        f"operators that are not there and lacks {len(gaps.extra)} that are",
    )


def _attribute_differences(match: Match) -> Iterator[Difference]:
    for node, place in paired(match):
        if type(node.op) is not type(place.op):
            yield _substitution(node, place)
            continue
        names = set(differing_fields(node.op, place.op)) - CONSEQUENCES
        if "kernel" in names:
            names.discard("padding")  # a larger kernel takes more to keep the size
        if isinstance(place.op, Conv) and "dilation" in names:
            names.discard("padding")
        for name in sorted(names):
            yield _attribute(node, place, name)


def _substitution(node: Node, place: Place) -> Difference:
    expected, found = describe(place.op), describe(node.op)
    aspect = ASPECT_OF_MISSING.get(type(place.op), "layer")
    return Difference(
        aspect, place.where, expected, found,
        f"{place.where}: {found} where the form has {expected}", node.output,
    )  # fmt: skip


def _attribute(node: Node, place: Place, name: str) -> Difference:
    aspect = ASPECT_OF_FIELD[name]
    if isinstance(place.op, PadShortcut) and name == "stride":
        aspect = "stride"
    expected, found = _value(place.op, name), _value(node.op, name)
    label = "" if isinstance(getattr(place.op, name), bool) else f"{_label(name)} "
    strided = name == "stride" and isinstance(place.op, Conv)
    context = f"kernel {size(place.op.kernel)}, " if strided else ""  # type: ignore[attr-defined]
    return Difference(
        aspect, place.where, f"{context}{label}{expected}", f"{context}{label}{found}",
        f"{place.where}: {label}{found}; the form has {label}{expected}", node.output,
    )  # fmt: skip


def _label(name: str) -> str:
    labels = {
        "out_channels": "output channels",
        "out_features": "outputs",
        "pad_mode": "padding mode",
        "after": "zero channels",
        "squeezed": "squeezed width",
    }
    return labels.get(name, name)


def _value(op: object, name: str) -> str:
    value = getattr(op, name)
    if isinstance(op, PadShortcut) and name == "after":
        return str(op.before + op.after)
    if isinstance(value, bool):
        return SWITCHES[name][value]
    if name == "padding":
        return padding(value)
    if name == "kernel":
        return size(value)
    return per_axis(value) if isinstance(value, tuple) else f"{value}"


def _operand_differences(match: Match) -> Iterator[Difference]:
    """Operators that read something else than the form has them read."""
    for each in misread(match):
        yield _operand(each)


def _operand(each: Misread) -> Difference:
    node, place, have, want = each.node, each.place, each.found, each.expected
    expected, found = " and ".join(want), " and ".join(have)
    if isinstance(place.op, Add) and len(have) == 2 and have[0] == have[1]:
        which = "branch" if have[0] == want[0] else "shortcut"
        message = (
            f"{place.where}: the {which} is added to itself; the form adds branch and shortcut"
        )
    else:
        verb = "adds" if isinstance(place.op, Add) else "reads"
        message = f"{place.where} {verb} {found}; in the form it {verb} {expected}"
    aspect: Aspect = "addition" if isinstance(place.op, Add) else "operand"
    return Difference(aspect, place.where, expected, found, message, node.output)


def _statistics(match: Match) -> Iterator[Difference]:
    training = match.found.graph.training
    wanted = "batch" if training else "running"
    mode = "training" if training else "evaluation"
    low, high = MOMENTUM_RANGE
    for node, place in paired(match):
        if not isinstance(node.op, BatchNorm):
            continue
        if not all(param.registered for param in match.found.graph.params_of(node)):
            continue  # no mode reaches what is not registered, and that is named
        if node.op.statistics != wanted:
            yield Difference(
                "statistics", place.where,
                f"{wanted} statistics in {mode}", f"{node.op.statistics} statistics in {mode}",
                f"{place.where}: in {mode} the batch norm normalises by {node.op.statistics} "
                f"statistics, not by {wanted} statistics",
                node.output,
            )  # fmt: skip
        elif not all(map(match.found.graph.parts, node.inputs[1:3])):
            yield Difference(
                "statistics", place.where,
                "the running statistics that the network holds", "others, made at every call",
                f"{place.where}: the running statistics are made anew at every call; the form "
                "keeps them",
                node.output,
            )  # fmt: skip
        elif training and not low <= node.op.momentum < high:
            kept = node.op.momentum
            yield Difference(
                "momentum", place.where,
                "momentum 0.9: nine tenths of the old running statistic are kept",
                f"momentum {kept:g}: {kept:.0%} are kept",
                f"{place.where}: BN momentum keeps {kept:.0%} of the old running statistic at "
                "each step; the documented share is 90% (Paddle's 0.9 is PyTorch's 0.1)",
                node.output,
            )  # fmt: skip


def _sharing(match: Match) -> Iterator[Difference]:
    owner: dict[str, Place] = {}
    for node, place in paired(match):
        params = match.found.graph.params_of(node)
        shared = [param for param in params if param.key in owner]
        for param in params:
            owner.setdefault(param.key, place)
        if shared:
            first = owner[shared[0].key].where
            yield Difference(
                "sharing", place.where, "parameters of its own",
                f"the parameters of {first}",
                f"{place.where} shares its parameters with {first}", node.output,
            )  # fmt: skip
        elif len({param.key for param in params}) < len(params):
            yield Difference(
                "sharing", place.where, "parameters of its own", "groups that share theirs",
                f"{place.where}: groups of it share their parameters", node.output,
            )  # fmt: skip


def _computed(match: Match) -> Iterator[Difference]:
    """Layers whose parameters are made from what the network holds: a normalised weight, say."""
    graph = match.found.graph
    for node, place in paired(match):
        made = [v for v in node.inputs if v in graph.held and not graph.parts(v)]
        if made and type(node.op) is type(place.op):
            within = graph.reachable(made)
            steps = [describe(n.op) for n in graph.nodes if n.output in within and n.inputs]
            how = "; ".join(steps[:3]) + (f" and {len(steps) - 3} more" if len(steps) > 3 else "")
            yield Difference(
                "operator", place.where, "parameters that the network holds",
                f"parameters computed by {how}",
                f"{place.where}: its parameters are computed at every call, by {how}; "
                "the form holds them as they are",
                node.output,
            )  # fmt: skip


def _detached(match: Match) -> Iterator[Difference]:
    for node, place in paired(match):
        if node.detached and not isinstance(node.op, Detach):
            yield Difference(
                "detached", place.where, "gradients pass", "no gradient passes",
                f"{place.where} is computed without gradients: nothing before it learns through it",
                node.output,
            )  # fmt: skip


def _frozen(match: Match) -> Iterator[Difference]:
    for node, place in paired(match):
        learned = node.inputs[3:] if isinstance(node.op, BatchNorm) else node.inputs
        params = [param for value in learned for param in match.found.graph.parts(value)]
        if any(not param.trainable for param in params):
            yield Difference(
                "frozen", place.where, "trainable parameters", "frozen parameters",
                f"{place.where}: its parameters are frozen; training does not move them",
                node.output,
            )  # fmt: skip


def _unused(match: Match) -> Iterator[Difference]:
    """Layers with parameters that are computed for nothing; those without cost nobody anything."""
    for node in unused_nodes(match):
        if isinstance(node.op, Conv | Linear | SqueezeExcite):
            what = describe(node.op)
            yield Difference(
                "unused", "the whole network", "every layer's output is used", f"{what} is not",
                f"{what} is computed, but its output is not used", node.output,
            )  # fmt: skip
