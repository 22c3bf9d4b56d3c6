"""A network as a list of steps, into which mistakes are edited; no framework.

A program is made of any documented form. `tests.mutation.in_torch` and `in_paddle` turn it
into a network of their framework that runs the steps one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from resnet_ref.layers import BatchNorm, Conv, Linear, Softmax, SqueezeExcite
from resnet_verify.form import form_of
from resnet_verify.gaps import block_of

IMAGE = -1
HOLDERS = (Conv, BatchNorm, Linear, SqueezeExcite)


@dataclass(frozen=True)
class Extra:
    """What no documented ResNet does; the frameworks' `EXTRAS` say how, by `name`.

    `mode` is that in which it does so: "both", "train" or "eval".
    """

    name: str
    amount: float = 0.0
    mode: str = "both"
    channels: int = 0


@dataclass(frozen=True)
class Step:
    """One operator; `inputs` are positions of steps, and `owner` the step whose tensors it uses."""

    where: str
    op: object
    inputs: tuple[int, ...]
    owner: str = ""

    @property
    def tensors_of(self):
        return self.owner or self.where


@dataclass(frozen=True)
class Fault:
    """What is done to the layer `where` once it is built; the frameworks say how, by `name`."""

    where: str
    name: str
    amount: float = 0.0


@dataclass(frozen=True)
class Program:
    """Steps in order; the last one puts the output out. `faults` are worked in afterwards."""

    spec: object
    steps: tuple[Step, ...]
    faults: tuple[Fault, ...] = ()

    def position(self, where):
        return next(i for i, step in enumerate(self.steps) if step.where == where)

    def block(self, position):
        return block_of(self.steps[position].where)

    def path(self, position):
        """ "stem", "head", "branch", "shortcut", "pre", "post" or "add"."""
        parts = self.steps[position].where.split(", ")
        return parts[2].partition(" ")[0] if parts[0].startswith("stage") else parts[0]

    def members(self, block, path=""):
        """Positions of a block's steps, those of one of its paths only where it is named."""
        return [
            i
            for i in range(len(self.steps))
            if self.block(i) == block and path in ("", self.path(i))
        ]

    def users(self, position):
        return [i for i, step in enumerate(self.steps) if position in step.inputs]


def program_of(spec):
    """The faultless network of a spec."""
    places = form_of(spec).places
    return Program(spec, tuple(Step(place.where, place.op, place.inputs) for place in places))


def changed(program, position, **changes):
    """One step with other fields."""
    steps = list(program.steps)
    steps[position] = replace(steps[position], **changes)
    return replace(program, steps=tuple(steps))


def with_op(program, position, **changes):
    """One step's operator with other attributes."""
    return changed(program, position, op=replace(program.steps[position].op, **changes))


def with_fault(program, position, name, amount=0.0):
    fault = Fault(program.steps[position].where, name, amount)
    return replace(program, faults=(*program.faults, fault))


def without(program, positions):
    """Steps taken out; what read them reads what they read first."""
    gone = set(positions)

    def kept(position):
        while position in gone:
            position = program.steps[position].inputs[0]
        return position

    moved = {IMAGE: IMAGE}
    steps = []
    for position, step in enumerate(program.steps):
        if position not in gone:
            inputs = tuple(moved[kept(source)] for source in step.inputs)
            moved[position] = len(steps)
            steps.append(replace(step, inputs=inputs))
    return replace(program, steps=tuple(steps))


def after(program, position, *ops):
    """Operators put in behind a step: all that read the step read the last of them."""
    return _insert(program, position + 1, ops, position, program.users(position))


def before(program, position, *ops):
    """Operators put in between a step and what it reads first."""
    return _insert(program, position, ops, program.steps[position].inputs[0], [position])


def _insert(program, at, ops, source, users):
    def moved(position):
        return position + len(ops) if position >= at else position

    where = program.steps[max(at - 1, 0)].where
    last = at + len(ops) - 1
    new = [
        Step(f"{where}, planted {k}", op, (moved(source) if k == 0 else at + k - 1,))
        for k, op in enumerate(ops)
    ]
    steps = []
    for position, step in enumerate(program.steps):
        takes_new = position in users
        inputs = tuple(
            last if takes_new and value == source else moved(value) for value in step.inputs
        )
        steps.append(replace(step, inputs=inputs))
    return replace(program, steps=(*steps[:at], *new, *steps[at:]))


def shapes(program, image=(2, 3, 64, 64)):
    """The shape of what each step of a faultless program puts out."""
    from resnet_ref.shapes import output_shape

    found = {IMAGE: (*image[:1], program.spec.in_channels, *image[2:])}
    for position, step in enumerate(program.steps):
        entering = found[step.inputs[0]]
        if isinstance(step.op, Linear):
            found[position] = (entering[0], step.op.out_features)
        elif isinstance(step.op, Softmax) or not hasattr(step.op, "__dataclass_fields__"):
            found[position] = entering
        elif type(step.op).__name__ == "Add":
            found[position] = entering
        else:
            found[position] = output_shape(step.op, entering)
    return found
