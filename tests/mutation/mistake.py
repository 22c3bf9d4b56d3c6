"""What a mistake is: where it can be planted, how, and what its right name is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from resnet_ref.layers import Add, BatchNorm, Conv, Relu
from tests.mutation import program as edit
from tests.mutation.program import Extra, Program

Sites = Callable[[Program], Sequence[int]]
Plant = Callable[[Program, int], Program]


@dataclass(frozen=True)
class Mistake:
    """One way to get a network wrong.

    `words` is a regular expression, case ignored: the right first diagnosis ("CHECK: message")
    matches it. `sites` are the steps at which it can be made. `near` says whether the diagnosis
    has to name the block of the site. With `asked` the network is judged as what it was meant
    to be, because it has become another documented form. `only_in` names the frameworks in
    which it can be made, or shown on a CPU; all where none is named.
    """

    id: str
    words: str
    sites: Sites
    plant: Plant
    near: bool = True
    asked: bool = False
    only_in: tuple[str, ...] = ()


def layers(kind, *paths, keep=lambda program, position: True):
    """The steps of one kind, on some paths only where any are named."""

    def sites(program):
        return [
            i
            for i, step in enumerate(program.steps)
            if isinstance(step.op, kind)
            if not paths or program.path(i) in paths
            if keep(program, i)
        ]

    return sites


def last_of(path, kind=object):
    """The last step of every path of that name."""

    def sites(program):
        blocks = dict.fromkeys(program.block(i) for i in range(len(program.steps)))
        paths = [program.members(block, path) for block in blocks]
        return [path[-1] for path in paths if path and isinstance(program.steps[path[-1]].op, kind)]

    return sites


def only(position):
    """One step of the network, "stem" or "head" first or last."""

    def sites(program):
        path, which = position
        return [[i for i in range(len(program.steps)) if program.path(i) == path][which]]

    return sites


def has(kind, *, spatial=False, **attributes):
    """Whether a step's operator has these attributes."""

    def keep(program, position):
        op = program.steps[position].op
        return all(getattr(op, name) == value for name, value in attributes.items()) and (
            not spatial or op.kernel != (1, 1)
        )

    return keep


def deleted(program, position):
    return edit.without(program, [position])


def replaced(op):
    return lambda program, position: edit.changed(program, position, op=op)


def followed_by(*ops):
    return lambda program, position: edit.after(program, position, *ops)


def preceded_by(*ops):
    return lambda program, position: edit.before(program, position, *ops)


def op_with(**changes):
    return lambda program, position: edit.with_op(program, position, **changes)


def fault(name, amount=0.0):
    return lambda program, position: edit.with_fault(program, position, name, amount)


def extra(name, amount=0.0, mode="both"):
    return Extra(name, amount, mode)


def table(words, sites, plants, **more):
    """Mistakes alike: one for each entry of `plants`, by id."""
    return tuple(Mistake(name, words, sites, plant, **more) for name, plant in plants.items())


convs, norms, relus, adds = (partial(layers, kind) for kind in (Conv, BatchNorm, Relu, Add))
