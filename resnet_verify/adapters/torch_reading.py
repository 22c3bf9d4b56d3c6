"""A recorded forward pass of PyTorch while it is read: the nodes so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, TypeGuard

import torch

from resnet_verify.adapters.torch_recording import Call, Recorder, Value
from resnet_verify.graph import Constant, Input, Node, Other, Param, Parameter, Shape

Meaning = tuple[object, Sequence[Value]]
"""An operator, and the values that it reads."""

Convert: TypeAlias = "Callable[[Call, Reading], Meaning]"
"""Says what a call means."""

ConvertEach: TypeAlias = "Callable[[Call, Reading], Sequence[Meaning]]"
"""Says what each output of a call means."""


class Reading:
    """A recorded forward pass while it is read: the nodes so far.

    `operators` says what each call means, by its name, `several` what the calls mean that have
    several outputs of interest. `tensors` holds what is used of the network's own, registered or
    not, by `Param.key`.
    """

    def __init__(
        self,
        recorder: Recorder,
        operators: Mapping[str, Convert],
        several: Mapping[str, ConvertEach],
    ) -> None:
        self.nodes: list[Node] = []
        self.shapes: dict[int, Shape] = {}
        self.dtypes: dict[int, str] = {}
        self.made_by: dict[Value, Call] = {}
        self.tensors: dict[str, torch.Tensor] = {}
        self._recorder = recorder
        self._operators = operators
        self._several = several
        self._fresh = len(recorder.tensors)
        self._there_before: frozenset[int] = frozenset()

    def shape(self, value: Value) -> Shape:
        """The shape of a value."""
        return self.shapes[value.number]

    def made(self, call: Call) -> Shape:
        """The shape of what a call puts out first."""
        return tuple(self.tensor(call.outputs[0]).shape)

    def tensor(self, value: Value) -> torch.Tensor:
        """The tensor whose value it was; it may hold another by now, but in the same layout."""
        return self._recorder.tensors[value]

    def sources(
        self, image: torch.Tensor, registered: Sequence[tuple[Param, torch.Tensor]]
    ) -> None:
        """Append nodes for what no operator made."""
        params = {id(tensor): param for param, tensor in registered}
        self._there_before = frozenset(id(each) for each in self._recorder.sources.values())
        for value, tensor in self._recorder.sources.items():
            if tensor is image:
                self._note(value, Input(), ())
                continue
            number = _the_number(tensor)
            param = params.get(id(tensor))
            if param is None and number is None and tensor.is_floating_point():
                param = _unregistered(value, tensor)
            if param:
                self._hold(value, param)
            else:
                self._note(value, Constant(number), ())

    def call(self, call: Call) -> None:
        """Append what a call means."""
        made = self.tensor(call.outputs[0])
        if isinstance(made, torch.nn.Parameter) and id(made) not in self._there_before:
            self._hold(call.outputs[0], _unregistered(call.outputs[0], made))
            return
        convert = self._meaning_of(call.name)
        self.made_by.update(dict.fromkeys(call.outputs, call))
        if call.name in self._several:
            meanings = self._several[call.name](call, self)
            for output, (op, inputs) in zip(call.outputs, meanings, strict=True):
                self._note(output, op, inputs, call)
            return
        if convert is None:  # every output of an operator that is not known may matter
            for output in call.outputs:
                self._note(output, unknown(call), call.inputs, call)
            return
        op, inputs = convert(call, self)
        self._note(call.outputs[0], op, inputs, call)

    def _meaning_of(self, name: str) -> Convert | None:
        """In place or not, an operator is the same."""
        return self._operators.get(name) or self._operators.get(name.removesuffix("_"))

    def intermediate(self, op: object, inputs: Sequence[Value], shape: Shape) -> Value:
        """The value of an operator that PyTorch computes together with the next one."""
        value = Value(self._fresh)
        self._fresh += 1
        self.shapes[value.number] = shape
        self.dtypes[value.number] = self.dtypes[inputs[0].number] if inputs else "float32"
        self.nodes.append(Node(op, tuple(v.number for v in inputs), value.number))
        return value

    def _hold(self, value: Value, param: Param) -> None:
        self.tensors[param.key] = self.tensor(value)
        self._note(value, Parameter(param), ())

    def _note(
        self, value: Value, op: object, inputs: Iterable[Value], call: Call | None = None
    ) -> None:
        tensor = self.tensor(value)
        self.shapes[value.number] = tuple(tensor.shape)
        self.dtypes[value.number] = str(tensor.dtype).removeprefix("torch.")
        origin, detached = (call.origin, call.detached) if call else ("", False)
        numbers = tuple(each.number for each in inputs)
        self.nodes.append(Node(op, numbers, value.number, origin, detached))


def _unregistered(value: Value, tensor: torch.Tensor) -> Param:
    shape = tuple(tensor.shape)
    return Param(f"free:{value.number}", "", shape, tensor.requires_grad, registered=False)


def _the_number(tensor: torch.Tensor) -> float | None:
    """The one number that a tensor outside the network is filled with."""
    if tensor.requires_grad or tensor.ndim not in (0, 4) or tensor.is_complex():
        return None
    first = tensor.reshape(-1)[:1]
    return float(first) if tensor.numel() and bool((tensor == first).all()) else None


def unknown(call: Call) -> Other:
    """An operator that nobody expected, with its arguments."""
    words = [
        f"{name}={value}"
        for name, value in call.arguments.items()
        if isinstance(value, int | float | str | list) and value not in ([], False)
    ]
    return Other(call.name.strip("_"), ", ".join(w for w in words if "Value(" not in w))


def pair(values: Sequence[int] | int) -> tuple[int, int]:
    """By rows and by columns."""
    if isinstance(values, int):
        return (values, values)
    return (int(values[0]), int(values[-1]))


def around(values: Sequence[int]) -> tuple[int, int, int, int]:
    """At the top, the bottom, the left and the right."""
    rows, columns = pair(values)
    return (rows, rows, columns, columns)


def is_number(value: object) -> TypeGuard[float]:
    """A number rather than a tensor."""
    return isinstance(value, int | float)


def plain(op: object) -> Convert:
    """A call that is `op` whatever its arguments."""
    return lambda call, reading: (op, call.inputs)
