"""Batch norms that are written as arithmetic.

Whatever the order of its steps, a batch norm is (x - mean) / sqrt(variance + eps) * scale + shift:
a polynomial of the map's elements. Which parameter has which part in it, and what eps is, is found
by trying.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import permutations
from math import prod

import numpy as np

from resnet_verify.graph import Constant, Graph, Node, Parameter, RawNorm
from resnet_verify.normalise.polynomial import Draws, Polynomial
from resnet_verify.normalise.polynomials import Polynomials, followed

LARGEST_EPS = 0.1


@np.errstate(all="ignore")
def with_norms_found(graph: Graph) -> Graph:
    """`graph` with a batch norm in place of what computes one."""
    found = followed(graph)
    norms = {node.output: node for node in _norms(found)}
    if not norms:
        return graph
    unheld = Node(Constant(None), (), graph.fresh)  # for statistics that the network does not hold
    nodes = [unheld, *(norms.get(node.output, node) for node in graph.nodes)]
    # Running statistics are read behind the norm, where they are moved.
    nodes.sort(key=lambda node: not isinstance(node.op, Parameter))
    shapes = {**graph.shapes, unheld.output: ()}
    rewritten = replace(graph, nodes=tuple(nodes), shapes=shapes)
    read = rewritten.reachable(graph.outputs)
    spent = {unheld.output} | _spent_on(norms.values(), found)
    kept = (node for node in nodes if node.output in read or node.output not in spent)
    return replace(rewritten, nodes=tuple(kept))


def _norms(found: Polynomials) -> Iterator[Node]:
    """A batch norm for every polynomial that is one, and that something else goes on with."""
    read_by_others = set(found.graph.outputs)
    for node in found.graph.nodes:
        made = found.known.get(node.output)
        if made is None or (made.root is not None and found.source(made) != made.root):
            read_by_others.update(node.inputs)
    for node in found.graph.nodes:
        made = found.known.get(node.output)
        if made is None or made.root is None or node.output not in read_by_others:
            continue
        source, norm = found.source(made), _norm(made, found)
        if source is not None and norm is not None:
            op, held = norm
            yield replace(node, op=op, inputs=(source, *held))


def _norm(made: Polynomial, found: Polynomials) -> tuple[RawNorm, tuple[int, ...]] | None:
    """The batch norm that a polynomial is, and its parameters: statistics, scale and shift."""
    channels = [axis for axis in (1, 3) if made.order[axis : axis + 1] == ((made.axis,),)]
    if not channels or len(made.order) != 4 or made.root is None:
        return None
    last, params = channels == [3], sorted(made.params)
    if made.measured == {made.root} and len(params) in (0, 2):
        mean, variance = found.statistics(made.root)
        for affine in permutations(params):
            for kind, spread in (
                ("batch", variance),
                ("unbiased batch", variance * _unbiased(made, found)),
            ):
                eps = _eps(made, mean, spread, *_numbers(affine, found))
                if eps is not None:
                    *running, share = _running(made, found)
                    return RawNorm(eps, share, kind, last), (*running, *affine)
    if not made.measured and len(params) in (2, 4):
        for held in permutations(params):
            eps = _eps(made, *_numbers(held, found))
            if eps is not None:
                return RawNorm(eps, UNKNOWN, "running", last), held
    return None


def _unbiased(made: Polynomial, found: Polynomials) -> float:
    """How much larger the variance is if it is divided by one pixel less than there are."""
    assert made.root is not None and made.axis is not None  # noqa: PT018
    shape = found.graph.shapes[made.root]
    pixels = prod(shape) / shape[made.axis]
    return pixels / (pixels - 1)


UNKNOWN = 0.9
"""The momentum of a norm that does not move its statistics, by the documented one."""


def _numbers(params: Iterable[int], found: Polynomials) -> list[Draws]:
    return [found.known[param].terms[0] for param in params]


def _eps(made: Polynomial, mean: Draws, variance: Draws, *affine: Draws) -> float | None:
    """Eps, where the polynomial is the batch norm of these statistics, scale and shift."""
    scale, shift = affine or (np.ones_like(mean), np.zeros_like(mean))
    constant, slope, *curve = made.terms
    if any(term.any() for term in curve) or not slope.all():
        return None
    eps = (scale / slope) ** 2 - variance
    if not np.allclose(eps, eps[0], rtol=0, atol=1e-9) or not 0 <= eps[0].real < LARGEST_EPS:
        return None
    right = np.isclose(slope * np.sqrt(variance + eps), scale) & np.isclose(
        constant + slope * mean, shift
    )
    return float(f"{eps[0].real:.6g}") if right.all() else None


def _running(made: Polynomial, found: Polynomials) -> tuple[int, int, float]:
    """The running mean and variance that a map's statistics move, and the share that is kept.

    Where none are moved, what stands for them is nothing that the network holds.
    """
    assert made.root is not None
    mean, variance = found.statistics(made.root)
    means: dict[int, float] = {}
    variances: dict[int, float] = {}
    for each in found.known.values():
        if each.root is None and each.measured == {made.root} and len(each.params) == 1:
            (param,) = each.params
            old, new = found.known[param].terms[0], each.terms[0]
            if share := _share(old, new, mean):
                means[param] = share
            elif share := _share(old, new, variance) or _share(
                old, new, variance * _unbiased(made, found)
            ):
                variances[param] = share
    if len(means) != 1 or len(variances) != 1:
        return found.graph.fresh, found.graph.fresh, UNKNOWN
    ((held_mean, share),) = means.items()
    return held_mean, next(iter(variances)), share


def _share(old: Draws, new: Draws, measured: Draws) -> float | None:
    """How much of the old is kept where the new is a mean of it and of what was measured."""
    share = (new - measured) / (old - measured)
    plain = np.allclose(share, share[0].real, rtol=1e-6) and 0 < share[0].real < 1
    return float(f"{share[0].real:.6g}") if plain else None


def _spent_on(norms: Iterable[Node], found: Polynomials) -> set[int]:
    """What was computed for these norms only, their new running statistics included."""
    roots = {node.inputs[0] for node in norms}
    params = {value for node in norms for value in node.inputs[1:]}
    return {
        value
        for value, each in found.known.items()
        if each.root in roots or each.measured & roots or (each.params and each.params <= params)
    }
