"""Programs as the graphs that they would be captured as, for what structure alone shows.

No framework runs, so that thousands of places in networks of any depth are judged in minutes.
"""

from __future__ import annotations

from dataclasses import replace

from resnet_ref.layers import BatchNorm
from resnet_ref.places import slots
from resnet_verify.compare import differences
from resnet_verify.graph import (
    Activation,
    Detach,
    Graph,
    Input,
    Node,
    Other,
    Param,
    Parameter,
    Scale,
)
from resnet_verify.match import in_canonical_order
from resnet_verify.recognise import recognise
from tests.mutation.measure import Outcome
from tests.mutation.program import HOLDERS, IMAGE, Extra

NORM_ORDER = ("mean", "variance", "weight", "bias")
UNSEEN = ("reflect", "replicate", "circular", "squeeze", "viewed", "zeros around")
ACTIVATIONS = (
    "leaky_relu", "relu6", "gelu", "silu", "elu", "tanh", "sigmoid", "softplus", "hardswish",
    "selu", "mish",
)  # fmt: skip


def can_be_drawn(program):
    """Whether the program is all structure: no faults, and nothing that only running shows."""
    extras = [step.op.name for step in program.steps if isinstance(step.op, Extra)]
    both = all(step.op.mode == "both" for step in program.steps if isinstance(step.op, Extra))
    unseen = [name for name in extras if name in UNSEEN or name.startswith(("when", "gradient"))]
    return not program.faults and both and not unseen


def graph_of(program):
    """The program's graph in training mode."""
    nodes, values, registered = [Node(Input(), (), 0)], {IMAGE: 0}, {}
    for position, step in enumerate(program.steps):
        held = []
        for slot in slots(step.op) if isinstance(step.op, HOLDERS) else ():
            name = f"{step.tensors_of}, {slot.role}"
            param = registered.setdefault(name, Param(name, name, slot.shape, slot.trainable))
            nodes.append(Node(Parameter(param), (), len(nodes)))
            held.append((slot.role, len(nodes) - 1))
        if isinstance(step.op, BatchNorm):
            held.sort(key=lambda pair: NORM_ORDER.index(pair[0]))
        inputs = tuple(values[source] for source in step.inputs)
        inputs += tuple(value for _, value in held)
        values[position] = len(nodes)
        nodes.append(Node(_operator(step.op), inputs, len(nodes), step.where))
    outputs = (values[len(program.steps) - 1],)
    return Graph(tuple(nodes), outputs, {}, {}, True, tuple(registered.values()))


def _operator(op):
    if not isinstance(op, Extra):
        return op
    if op.name in ACTIVATIONS:
        return Activation(op.name)
    plain = {"scale": Scale(op.amount), "shift": Scale(1.0, op.amount), "detach": Detach()}
    return plain.get(op.name, Other(op.name))


def judge(planted):
    """The outcome by the structure checks alone."""
    asked = (planted.arch, planted.variant) if planted.mistake.asked else ()
    match = recognise(in_canonical_order(graph_of(planted.program())), *asked)
    found = [replace(d, place="") for d in differences(match)]
    named = [f"STR-{d.aspect.upper()}: {d.where}: {d.message}" for d in found]
    failed = tuple(dict.fromkeys(name.partition(":")[0] for name in named))
    return Outcome("defect" if named else "conforming", (named or [""])[0], failed, {}, ())
