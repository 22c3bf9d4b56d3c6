"""Initial weights: whether training can start from them."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from resnet_ref.layers import Conv, Linear
from resnet_verify.checks import check
from resnet_verify.graph import Graph, Node, Param
from resnet_verify.match import paired
from resnet_verify.transplant import roles
from resnet_verify.verdict import Diagnosis

if TYPE_CHECKING:
    from resnet_verify.adapters import Array
    from resnet_verify.examine import Examination

HE_2015 = "He et al. 2015, https://arxiv.org/abs/1502.01852, section 2.2"
SCALES = (1e-4, 30.0)
"""Root mean square of a weight times the root of its fan in: He's initialisation has 1.4, the
frameworks' defaults 0.6 to 1.4, and what training makes of them stays within a tenth and ten."""


@check("INI-WEIGHTS", source=HE_2015, training=True)
def initial_weights(examination: Examination) -> Iterator[Diagnosis]:
    """The weights as they come are finite, of a sane scale, and no convolution's filters alike.

    Filters that start alike get the same gradient and stay alike. Weights of zero are left out:
    many start the last layer of a branch, or the classifier, there. So is a network all of whose
    filters are alike: its weights are placeholders for others, to be loaded.
    """
    weights = examination.as_it_came()
    kernels = [array for array in weights.values() if array.ndim == 4]
    placeholders = all(map(_alike, kernels))
    graph = examination.match.found.graph
    for node, place in paired(examination.match):
        for role, param in _parts(node, graph):
            if param.key not in weights:
                continue
            op = node.op if role == "weight" else None
            array = weights[param.key]
            if op is not None and array.ndim == len(node.order):
                array = array.transpose(node.order)
            if text := _wrong(array, op, placeholders=placeholders):
                yield Diagnosis(
                    "INI-WEIGHTS", f"{place.where}, {role}", "values that training can start from",
                    text, f"{place.where}: its initial {role} is wrong: {text}", param.name,
                )  # fmt: skip
                return


def _parts(node: Node, graph: Graph) -> Iterator[tuple[str, Param]]:
    for role, value in roles(node).items():
        for param in graph.parts(value):
            yield role, param


def _alike(weight: Array) -> bool:
    return not (weight != weight[:1]).any()


def _wrong(weight: Array, op: object, *, placeholders: bool) -> str:
    """What is wrong with a tensor, the weight of `op` if it is one; empty where nothing is."""
    if not np.isfinite(weight).all():
        return "not a number, or infinite"
    if not isinstance(op, Conv | Linear) or not weight.any():
        return ""
    if isinstance(op, Conv):
        fan_in = prod(op.kernel) * op.in_channels // op.groups
        if op.out_channels > 1 and _alike(weight) and not placeholders:
            return "all its filters are identical"
    else:
        fan_in = op.in_features
    scale = float(np.sqrt(np.mean(np.square(weight, dtype=np.float64)) * fan_in))
    low, high = SCALES
    return "" if low < scale < high else f"{scale:.2g} times 1 / sqrt(fan in)"
