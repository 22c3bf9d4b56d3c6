"""What an operator of ONNX can mean, and one that nobody expected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from resnet_verify.adapters.onnx_reading import Call
from resnet_verify.graph import Other, Shape


@dataclass(frozen=True)
class Part:
    """What an operator of ONNX computes on the way; its value has no name."""

    op: object
    inputs: Sequence[Source]
    shape: Shape


Source: TypeAlias = "str | Part"
Meaning: TypeAlias = tuple[object, Sequence[Source]]
"""An operator, and the values that it reads."""
Convert: TypeAlias = Callable[[Call], Meaning]
"""Says what a call means."""

IN_WORDS = 8
"""Of a list of numbers, this many are told."""
PLAIN = (int, float, str, list)


def unknown(call: Call) -> Meaning:
    """The operator under its own name; its attributes, and what else it is told, in words."""
    told = {
        **{name: value for name, value in call.attributes.items() if isinstance(value, PLAIN)},
        **{name: array.tolist() for name, array in call.settings() if array.size <= IN_WORDS},
    }
    words = (
        f"{name}={value[:IN_WORDS] if isinstance(value, list) else value}"
        for name, value in sorted(told.items())
    )
    read = [name for name in call.inputs if name and name not in call.values.constants]
    return Other(call.name, ", ".join(words)), read


def pair(values: Sequence[int]) -> tuple[int, int]:
    """By rows and by columns."""
    return (int(values[0]), int(values[1]))


def is_image(call: Call) -> bool:
    """Whether what is read has axes for rows and columns."""
    return len(call.shape(call.inputs[0])) == 4


def rounded(value: float) -> float:
    """The number that was written: attributes are stored as float32."""
    return float(f"{value:.6g}")


def plain(op: object) -> Convert:
    """A call that is `op` whatever its attributes."""
    return lambda call: (op, call.inputs[:1])
