"""Residual laws: what must hold in every block, on the target's own operators, in place.

Weights, images and sizes are drawn by hypothesis; the captured operators run on them, and
the values at the ends of each block are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings

from resnet_ref.layers import Add, BatchNorm, Conv, Linear, Relu, Softmax
from resnet_ref.places import Key
from resnet_ref.shapes import output_shape
from resnet_verify.adapters import CaptureError
from resnet_verify.checks import NotRun, check
from resnet_verify.form import Place, block_of
from resnet_verify.match import Match, paired
from resnet_verify.strategies import seeds
from resnet_verify.verdict import Diagnosis

if TYPE_CHECKING:
    from resnet_verify.adapters import Array
    from resnet_verify.examine import Examination
    from resnet_verify.probe import Sized

EQUATION_1 = "He et al. 2016, https://arxiv.org/abs/1512.03385, equation 1"
SECTION_3_3 = "He et al. 2016, https://arxiv.org/abs/1512.03385, section 3.3"
ARITHMETIC = "Dumoulin and Visin 2016, https://arxiv.org/abs/1603.07285, relationship 6"

# Each example runs the network once; a law that fails does so on the first that shows it.
EXAMPLES = settings(
    max_examples=2,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


Values: TypeAlias = "dict[int, Array]"


@dataclass(frozen=True)
class BlockEnds:
    """A block of the target, by the captured values' numbers: what enters it, and what leaves it.

    `shortcut` is what the target adds to its branch, whatever the form has there.
    """

    where: str
    entering: int
    leaving: int
    shortcut: int
    projects: bool
    activated: bool
    last: Place


@check("RES-ZERO", source=EQUATION_1)
def zero_branch(examination: Examination) -> Iterator[Diagnosis]:
    """With its branch zeroed a block gives relu(shortcut(x)), to the last bit.

    Pre-activation blocks give shortcut(x). The last scale and shift of every branch, or its
    last weights where no norm follows, are set to zero.
    """
    for where, found in _violations(examination, "RES-ZERO"):
        yield Diagnosis(
            "RES-ZERO", where, "relu(shortcut(x)) with the branch zeroed", found,
            f"{where}: with its branch zeroed the block does not give relu(shortcut(x)): {found}",
        )  # fmt: skip


def _zero_law(block: BlockEnds, values: Values) -> str:
    shortcut = values[block.shortcut]
    return _difference(
        values[block.leaving], np.maximum(shortcut, 0) if block.activated else shortcut
    )


@check("RES-IDENTITY", source=SECTION_3_3)
def identity(examination: Examination) -> Iterator[Diagnosis]:
    """With its branch zeroed a block with an identity shortcut returns its input exactly.

    Inputs of v1 blocks are not negative, so the last ReLU changes nothing.
    """
    for where, found in _violations(examination, "RES-IDENTITY"):
        yield Diagnosis(
            "RES-IDENTITY", where, "the input, to the last bit", found,
            f"{where}: with its branch zeroed the block does not return its input: {found}",
        )  # fmt: skip


def _identity_law(block: BlockEnds, values: Values) -> str:
    return "" if block.projects else _difference(values[block.leaving], values[block.entering])


@check("RES-PROJECTION", source=SECTION_3_3)
def projection(examination: Examination) -> Iterator[Diagnosis]:
    """A shortcut changes its input exactly where channels or size change, or the form projects.

    The first block of stage 1 projects in vb, vc and vd without need.
    """
    for where, found in _violations(examination, "RES-PROJECTION"):
        yield Diagnosis(
            "RES-PROJECTION", f"{where}, shortcut", "a projection exactly where needed", found,
            f"{where}, shortcut: {found}",
        )  # fmt: skip


def _projection_law(block: BlockEnds, values: Values) -> str:
    entering, shortcut = values[block.entering], values[block.shortcut]
    if entering.shape != values[block.leaving].shape or block.projects:
        unchanged = entering.shape == shortcut.shape and np.array_equal(entering, shortcut)
        return "the input as it is, where the form projects" if unchanged else ""
    return _difference(shortcut, entering)


@check("RES-SHAPE", source=ARITHMETIC)
def shape(examination: Examination) -> Iterator[Diagnosis]:
    """Every layer's output has the size floor((n + 2p - k) / s) + 1, odd sizes included."""
    for sized in examination.small_captures:
        match = sized.match
        shapes = match.found.graph.shapes
        for node, place in paired(match):
            if isinstance(place.op, Add | Linear | Softmax):
                continue
            entering, found = shapes.get(node.inputs[0]), shapes.get(node.output)
            if entering is None or found is None:
                continue
            expected = output_shape(place.op, entering)  # type: ignore[arg-type]
            if len(found) == len(expected) and found != expected:
                yield Diagnosis(
                    "RES-SHAPE", place.where, _by(expected), _by(found),
                    f"{place.where}: input {_by(entering)} gives {_by(found)}; the form gives "
                    f"{_by(expected)}",
                )  # fmt: skip
                break


def _by(found: tuple[int, ...]) -> str:
    return "x".join(map(str, found))


def _difference(found: Array, expected: Array) -> str:
    """Words for how two arrays differ, empty where they are equal to the last bit."""
    if found.shape != expected.shape:
        return f"shape {_by(found.shape)} where {_by(expected.shape)} is expected"
    if np.array_equal(found, expected):
        return ""
    wrong = found != expected
    worst = float(np.abs(found[wrong].astype(np.float64) - expected[wrong]).max())
    return f"{wrong.mean():.0%} of the elements differ, by up to {worst:.3g}"


LAWS: dict[str, Callable[[BlockEnds, Values], str]] = {
    "RES-ZERO": _zero_law,
    "RES-IDENTITY": _identity_law,
    "RES-PROJECTION": _projection_law,
}


def _violations(examination: Examination, check_id: str) -> list[tuple[str, str]]:
    """The blocks that break a law, with what was found; one set of runs serves all laws."""
    found = examination.once("residual laws", lambda: _try_laws(examination))
    return [(where, text) for (law, where), text in found.items() if law == check_id]


def _try_laws(examination: Examination) -> dict[tuple[str, str], str]:
    """What broke, by law and block, over drawn weights and images.

    Raises:
        NotRun: no block was found whole.
    """
    captures = examination.small_captures
    blocks = [list(_blocks(sized.match)) for sized in captures]
    if not any(blocks):
        raise NotRun("no block of the form was found whole in the network")
    broken: dict[tuple[str, str], str] = {}
    for seed in _drawn_seeds():
        chosen = seed % len(captures)
        values = _run(examination, captures[chosen], seed, zeroed=blocks[chosen])
        for block in blocks[chosen]:
            if not {block.entering, block.leaving, block.shortcut} <= values.keys():
                continue  # computed together with something else
            for name, law in LAWS.items():
                if text := law(block, values):
                    broken.setdefault((name, block.where), text)
    return broken


def _drawn_seeds() -> list[int]:
    """The seeds that hypothesis draws.

    The laws are tried outside of the property: its wrapper lies in a cycle of references, and
    would keep the networks alive until the next collection of garbage.
    """
    drawn: list[int] = []

    @EXAMPLES
    @given(seeds)
    def draw(seed: int) -> None:
        drawn.append(seed)

    draw()
    return drawn


def _blocks(match: Match) -> Iterator[BlockEnds]:
    """The blocks whose ends are all found in the target."""
    nodes = {place.where: node for node, place in paired(match)}
    places = match.form.places

    def value(position: int) -> int | None:
        node = nodes.get(places[position].where)
        return node.output if node else None

    for place in places:
        if not isinstance(place.op, Add):
            continue
        branch, shortcut = place.inputs
        inside = [p for p in places if block_of(p.where) == place.path]
        last_learned = [p for p in inside if p.path.endswith("branch")
                        and isinstance(p.op, BatchNorm | Conv)][-1]  # fmt: skip
        first = inside[0].inputs[0]
        add, leaving = nodes.get(place.where), nodes.get(inside[-1].where)
        entering, branch_end = value(first), value(branch)
        beside = [v for v in add.inputs if v != branch_end] if add else []
        added = beside[0] if len(beside) == 1 else value(shortcut)
        if entering is None or branch_end is None or added is None or leaving is None:
            continue
        if last_learned.where not in nodes:
            continue
        yield BlockEnds(
            place.path,
            entering,
            leaving.output,
            added,
            shortcut != first,
            isinstance(inside[-1].op, Relu),
            last_learned,
        )


def _run(
    examination: Examination,
    sized: Sized,
    seed: int,
    zeroed: list[BlockEnds],
) -> dict[int, Array]:
    """Run the captured operators on drawn weights and images, some branches zeroed.

    Raises:
        NotRun: the network does not run what was captured.
    """
    weights = dict(examination.drawn_weights(seed))
    for block in zeroed:
        for role in ("weight", "bias"):
            key: Key = (block.last.where, role)
            if key in weights:
                weights[key] = np.zeros_like(weights[key])
    examination.give_target(weights)
    wanted = [v for block in zeroed for v in (block.entering, block.leaving, block.shortcut)]
    wanted = list(dict.fromkeys(wanted))
    try:
        arrays = sized.capture.run(examination.batch(sized.shape, seed), wanted)
    except CaptureError as error:
        raise NotRun(str(error)) from error
    shapes = sized.match.found.graph.shapes
    return {
        value: _channels_first(array, shapes[value])
        for value, array in zip(wanted, arrays, strict=True)
        if array is not None
    }


def _channels_first(array: Array, expected: tuple[int, ...]) -> Array:
    """The array as (N, C, H, W), where the target keeps channels last, or as a flat volume."""
    if array.ndim == 5 and array.size == prod(expected):
        return array.reshape(expected)
    if array.ndim == 4 and array.shape != expected:
        turned = np.moveaxis(array, 3, 1)
        return turned if turned.shape == expected else array
    return array
