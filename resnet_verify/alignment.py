"""Align two sequences of operators so that their difference is smallest.

The target's operators and a form's are both brought into one canonical order
(`resnet_verify.recognise`); here the cheapest way to turn one into the other is found, with
matches, substitutions and gaps (Gotoh 1982, https://doi.org/10.1016/0022-2836(82)90398-9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

from resnet_ref.layers import (
    Add,
    AvgPool,
    BatchNorm,
    GlobalAvgPool,
    MaxPool,
    PadShortcut,
    Relu,
)
from resnet_verify.graph import Activation, Concat, Multiply, Other

GAP = 1.0
OPEN_GAP = 0.3
"""Opening a gap costs extra, so that what is missing is found missing in one piece."""
STAND_IN = 1.2
"""Cost of an operator in another's role: less than a gap on both sides, more than an attribute."""
MOST = 1.5
"""Cost of the most different operators of one kind: less than two gaps, more than one."""
NEVER = float("inf")

# What an attribute weighs: the more of the function it decides, the more.
WEIGHTS = {
    "in_channels": 0.1,
    "out_channels": 0.25,
    "kernel": 1.0,
    "stride": 0.3,
    "groups": 0.2,
    "in_features": 0.1,
    "out_features": 0.25,
    "channels": 0.1,
    "squeezed": 0.2,
}
SMALL = 0.1
ROLES: tuple[tuple[type, ...], ...] = (
    (Add, Concat, Multiply),
    (Relu, Activation),
    (MaxPool, AvgPool, GlobalAvgPool),
)
EPS_TOLERANCE = 0.01
"""Relative; 1.001e-5 for 1e-5 changes no output by more than float32 can show."""


def differing_fields(found: object, expected: object) -> tuple[str, ...]:
    """The attributes in which two operators of one class differ in what they compute.

    BN momentum and mode are left out: they are judged on their own, per mode.
    """
    names = [field.name for field in fields(expected)]  # type: ignore[arg-type]  # dataclasses all
    if isinstance(expected, PadShortcut) and isinstance(found, PadShortcut):
        # The paper leaves open on which side the zero channels go.
        same = found.before + found.after == expected.before + expected.after
        return (() if same else ("after",)) + (
            () if found.stride == expected.stride else ("stride",)
        )
    if isinstance(expected, BatchNorm) and isinstance(found, BatchNorm):
        names = ["channels", "affine"]
        if abs(found.eps - expected.eps) > EPS_TOLERANCE * expected.eps:
            names.append("eps")
    return tuple(name for name in names if getattr(found, name) != getattr(expected, name))


@lru_cache(maxsize=65536)
def distance(found: object, expected: object) -> float:
    """Cost of taking `found` for `expected`: 0 where they compute the same."""
    if type(found) is type(expected):
        if isinstance(found, Other):
            return 0.0 if found == expected else STAND_IN
        return min(
            sum(WEIGHTS.get(name, SMALL) for name in differing_fields(found, expected)), MOST
        )
    for role in ROLES:
        if isinstance(found, role) and isinstance(expected, role):
            return STAND_IN
    if isinstance(expected, BatchNorm) and isinstance(found, Other) and "norm" in found.name:
        return STAND_IN
    return NEVER


@dataclass(frozen=True)
class Alignment:
    """Pairs of positions (found, expected); None where the other side has a gap."""

    pairs: tuple[tuple[int | None, int | None], ...]
    cost: float


def align(found: Sequence[object], expected: Sequence[object]) -> Alignment:
    """The cheapest alignment of two sequences of operators."""
    head = _common(found, expected)
    tail = _common(found[head:][::-1], expected[head:][::-1])
    middle_found = found[head : len(found) - tail]
    middle_expected = expected[head : len(expected) - tail]
    pairs: list[tuple[int | None, int | None]] = [(i, i) for i in range(head)]
    inner, cost = _gotoh(middle_found, middle_expected)
    pairs += [(None if i is None else i + head, None if j is None else j + head) for i, j in inner]
    shift_found, shift_expected = len(found) - tail, len(expected) - tail
    pairs += [(shift_found + i, shift_expected + i) for i in range(tail)]
    return Alignment(tuple(pairs), cost)


def _common(found: Sequence[object], expected: Sequence[object]) -> int:
    count = 0
    for one, other in zip(found, expected, strict=False):
        if distance(one, other) != 0:
            break
        count += 1
    return count


MATCH, SKIP_FOUND, SKIP_EXPECTED = 0, 1, 2


def _gotoh(
    found: Sequence[object], expected: Sequence[object]
) -> tuple[list[tuple[int | None, int | None]], float]:
    """Affine-gap alignment; returns pairs and cost."""
    rows, columns = len(found), len(expected)
    best = [[NEVER] * 3 for _ in range(columns + 1)]
    best[0][MATCH] = 0.0
    for j in range(1, columns + 1):
        best[j][SKIP_EXPECTED] = OPEN_GAP + GAP * j
    came = [[[0] * 3 for _ in range(columns + 1)] for _ in range(rows + 1)]
    for j in range(1, columns + 1):
        came[0][j][SKIP_EXPECTED] = SKIP_EXPECTED if j > 1 else MATCH
    for i in range(1, rows + 1):
        row = [[NEVER] * 3 for _ in range(columns + 1)]
        row[0][SKIP_FOUND] = OPEN_GAP + GAP * i
        came[i][0][SKIP_FOUND] = SKIP_FOUND if i > 1 else MATCH
        for j in range(1, columns + 1):
            _fill(row, best, came[i][j], j, distance(found[i - 1], expected[j - 1]))
        best = row
    state = min(range(3), key=lambda s: best[columns][s])
    return _trace(came, rows, columns, state), best[columns][state]


def _fill(
    row: list[list[float]], above: list[list[float]], came: list[int], j: int, cost: float
) -> None:
    diagonal, up, left = above[j - 1], above[j], row[j - 1]
    cell = row[j]
    source = diagonal.index(min(diagonal))
    cell[MATCH], came[MATCH] = diagonal[source] + cost, source
    opened = up[MATCH] + OPEN_GAP, up[SKIP_FOUND], up[SKIP_EXPECTED] + OPEN_GAP
    source = opened.index(min(opened))
    cell[SKIP_FOUND], came[SKIP_FOUND] = opened[source] + GAP, source
    opened = left[MATCH] + OPEN_GAP, left[SKIP_FOUND] + OPEN_GAP, left[SKIP_EXPECTED]
    source = opened.index(min(opened))
    cell[SKIP_EXPECTED], came[SKIP_EXPECTED] = opened[source] + GAP, source


def _trace(
    came: list[list[list[int]]], i: int, j: int, state: int
) -> list[tuple[int | None, int | None]]:
    pairs: list[tuple[int | None, int | None]] = []
    while i or j:
        source = came[i][j][state]
        if state == MATCH:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif state == SKIP_FOUND:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
        state = source
    return pairs[::-1]
