"""Read the programs that Paddle traces, old (2.x, `ProgramDesc`) and new (3.x, PIR), alike.

Both dialects are brought to one `RawOp` each: a name without decoration, operands in order,
plain attributes. `resnet_verify.adapters.paddle_operators` gives them their meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import paddle

ValueKey = str

# Names of the old dialect that the new one spells otherwise.
LEGACY_NAMES = {
    "elementwise_add": "add",
    "elementwise_sub": "subtract",
    "elementwise_mul": "multiply",
    "elementwise_div": "divide",
    "elementwise_max": "maximum",
    "elementwise_min": "minimum",
    "reduce_mean": "mean",
    "reduce_sum": "sum",
    "reduce_max": "max",
    "flatten_contiguous_range": "flatten",
    "matmul_v2": "matmul",
    "reshape2": "reshape",
    "transpose2": "transpose",
    "squeeze2": "squeeze",
    "unsqueeze2": "unsqueeze",
    "expand_v2": "expand",
    "expand_as_v2": "expand_as",
    "size": "numel",
    "sum": "add_n",
    "share_data": "share_data",
    "fill_any_like": "full_like",
    "fill_constant": "full",
}
# The order in which the old dialect's named slots are operands of the new one.
SLOTS = ("Condition", "Input", "X", "Filter", "Y", "Mean", "Variance", "Scale", "Bias")
IGNORED_ATTRIBUTES = {"op_callstack", "struct_name", "place", "stop_gradient"}


@dataclass(frozen=True)
class RawOp:
    """One operator of a program, the same for both dialects."""

    name: str
    inputs: tuple[ValueKey, ...]
    outputs: tuple[ValueKey, ...]
    attributes: Mapping[str, Any]
    origin: str


@dataclass(frozen=True)
class Variable:
    """What a program knows of a value."""

    shape: tuple[int, ...]
    dtype: str
    stop_gradient: bool


@dataclass(frozen=True)
class Program:
    """A traced program, read: operators, values, and the eager tensors that it uses by key."""

    ops: tuple[RawOp, ...]
    variables: Mapping[ValueKey, Variable]
    tensors: Mapping[ValueKey, Any]
    handles: Mapping[ValueKey, Any]
    """What to ask the executor for, by key."""


def read_program(concrete: Any, names: Mapping[str, ValueKey]) -> Program:
    """Read a traced program of either dialect, a ConcreteProgram, which has no public type.

    `names` are the keys of the tensors that the network has registered, by Paddle's names.
    """
    if isinstance(concrete.parameters, tuple):
        return _read_pir(concrete, names)
    return _read_legacy(concrete, names)


def key_of(value: Any) -> ValueKey:
    """The key of a symbolic value of either dialect."""
    return str(value.id if hasattr(value, "get_defining_op") else value.name)


def with_links(program: Program, links: Sequence[tuple[Any, Any]]) -> Program:
    """Constants that went through NumPy are made by it, from the values that they come from."""
    made = {key_of(value): key_of(source) for value, source in links}
    ops = (
        replace(op, name="numpy", inputs=(made[op.outputs[0]],), attributes={})
        if op.outputs and op.outputs[0] in made
        else op
        for op in program.ops
    )
    return replace(program, ops=tuple(ops))


def _read_pir(concrete: Any, names: Mapping[str, ValueKey]) -> Program:
    tensors, values = concrete.parameters
    held = [names.get(tensor.name, f"free:{tensor.name}") for tensor in tensors]
    keys = {value.id: key for key, value in zip(held, values, strict=True)}
    variables: dict[ValueKey, Variable] = {}
    handles: dict[ValueKey, Any] = {}
    ops: list[RawOp] = []
    tuples: dict[ValueKey, tuple[ValueKey, ...]] = {}
    constants: dict[ValueKey, Any] = {}
    for op in concrete.main_program.global_block().ops:
        results = op.results()
        outputs = tuple(keys.setdefault(value.id, value.id) for value in results)
        for key, value in zip(outputs, results, strict=True):
            variables[key] = _pir_variable(value)
            handles[key] = value
        name = op.name().partition(".")[2].rstrip("_")
        attributes = op.attrs()
        if name in ("full_int_array", "full"):
            constants[outputs[0]] = attributes["value"]
        inputs = [keys[value.id] if value.initialized() else "" for value in op.operands_source()]
        if name == "combine":
            tuples[outputs[0]] = tuple(inputs)
            continue
        if op.name() == "builtin.split":  # follows an operator that puts out a list
            position = max(i for i, raw in enumerate(ops) if inputs[0] in raw.outputs)
            ops[position] = _with_list(ops[position], inputs[0], outputs)
            continue
        ops.append(_raw_op(name, inputs, outputs, attributes, tuples, constants))
    return Program(tuple(ops), variables, dict(zip(held, tensors, strict=True)), handles)


def _with_list(made: RawOp, listed: ValueKey, parts: tuple[ValueKey, ...]) -> RawOp:
    """An operator with the parts of a list that it puts out in the list's place."""
    at = made.outputs.index(listed)
    return replace(made, outputs=(*made.outputs[:at], *parts, *made.outputs[at + 1 :]))


def _raw_op(
    name: str,
    inputs: list[ValueKey],
    outputs: tuple[ValueKey, ...],
    attributes: Mapping[str, Any],
    tuples: Mapping[ValueKey, tuple[ValueKey, ...]],
    constants: Mapping[ValueKey, Any],
) -> RawOp:
    """Operands that are constants become the attribute ``operandN``; tuples are spread."""
    plain = {key: value for key, value in attributes.items() if key not in IGNORED_ATTRIBUTES}
    operands: list[ValueKey] = []
    for position, key in enumerate(inputs):
        if key in constants:
            plain[f"operand{position}"] = constants[key]
            operands.append(key)
        elif key:
            operands.extend(tuples.get(key, (key,)))
    return RawOp(name, tuple(operands), outputs, plain, _origin(attributes.get("op_callstack")))


def _pir_variable(value: Any) -> Variable:
    if not value.is_dense_tensor_type():
        return Variable((), "", value.stop_gradient)
    dtype = str(value.dtype).rpartition(".")[2].lower()
    return Variable(tuple(value.shape), dtype, value.stop_gradient)


def _read_legacy(concrete: Any, names: Mapping[str, ValueKey]) -> Program:
    tensors = {tensor.name: tensor for tensor in concrete.parameters}
    block = concrete.main_program.global_block()
    # The old dialect may write a variable twice (in-place operators): each write is a value.
    held = {name: names.get(name, f"free:{name}") for name in tensors}
    current = dict(held)
    variables = {key: _legacy_variable(block.var(name)) for name, key in held.items()}
    handles: dict[ValueKey, Any] = {}
    ops: list[RawOp] = []
    for position, op in enumerate(block.ops):
        inputs = tuple(current.get(name, name) for name in _slots(op, op.input_names, op.input))
        outputs: list[ValueKey] = []
        for name in _legacy_outputs(op):
            key = f"{name}@{position}" if name in current or name in variables else name
            if name not in tensors:
                current[name] = key
            variables[key] = _legacy_variable(block.var(name))
            handles[key] = name
            outputs.append(key)
        name = op.type if op.type in LEGACY_NAMES else op.type.rstrip("_")
        attributes = {key: op.attr(key) for key in op.attr_names}
        origin = _origin(attributes.get("op_callstack"))
        plain = {k: v for k, v in attributes.items() if k not in IGNORED_ATTRIBUTES}
        ops.append(RawOp(LEGACY_NAMES.get(name, name), inputs, tuple(outputs), plain, origin))
    for name, variable in block.vars.items():
        if name not in variables and name not in tensors:
            variables[name] = _legacy_variable(variable)
            handles[name] = name
    return Program(
        tuple(ops), variables, {held[n]: tensor for n, tensor in tensors.items()}, handles
    )


def _slots(op: Any, names: list[str], read: Any) -> Iterator[str]:
    order = sorted(names, key=lambda slot: SLOTS.index(slot) if slot in SLOTS else len(SLOTS))
    for slot in order:
        yield from read(slot)


def _legacy_outputs(op: Any) -> list[str]:
    """The data output first: the others (masks, saved statistics, XShape) are by-products."""
    first = next((slot for slot in ("Out", "Y", "Output") if slot in op.output_names), None)
    return list(op.output(first)) if first else list(op.output_arg_names)


def _legacy_variable(variable: Any) -> Variable:
    dtype = str(variable.dtype).rpartition(".")[2].lower()
    dtype = {"fp32": "float32", "fp64": "float64", "fp16": "float16", "bf16": "bfloat16"}.get(
        dtype, dtype
    )
    return Variable(tuple(variable.shape), dtype, variable.stop_gradient)


FRAME = re.compile(r'^\s*File "(?P<file>.+)", line (?P<line>\d+), in ')
HERE = str(Path(__file__).parent)
# Paddle's own code, and the package through which it wraps its functions.
FOREIGN = (str(Path(paddle.__file__).parent), str(Path(paddle.__file__).parents[1] / "decorator"))
# What stands between the target and Paddle while it is traced.
BETWEEN = str(Path(__file__).with_name("paddle_values.py"))


def _origin(callstack: list[str] | None) -> str:
    """The innermost line of the target's own code, as ``file.py:12``; empty for Paddle's own."""
    for text in reversed(callstack or ()):
        match = FRAME.match(text)
        if not match or match["file"].startswith((*FOREIGN, BETWEEN)):
            continue
        if match["file"].startswith(HERE):
            return ""
        return f"{Path(match['file']).name}:{match['line']}"
    return ""
