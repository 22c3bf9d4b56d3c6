"""Record the operators that a PyTorch network executes, below autograd, as they run.

Whatever way the network is written (modules, functions, TorchScript, operators in place), its
operators pass PyTorch's dispatcher, and there the recorder reads along. Tensors are replaced
by numbered values; an operator in place gives the tensor that it writes a new value.
"""

# PyTorch is not analysed here: its classes and results are Any.
# mypy: disallow-subclassing-any=False, warn-return-any=False

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch.autograd.function import FunctionCtx
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

OWN_FOLDERS = tuple(
    str(folder) for folder in (Path(torch.__file__).parent, Path(__file__).parents[1])
)
OVERWRITTEN = "partly overwritten"
VIEWED = "view"


@dataclass(frozen=True)
class Value:
    """A tensor at one moment: an operator in place makes another value of the same tensor."""

    number: int


@dataclass(frozen=True)
class Call:
    """One operator as it was called: arguments by name, values in place of tensors."""

    name: str
    arguments: Mapping[str, Any]
    outputs: tuple[Value, ...]
    origin: str = ""
    detached: bool = False

    @property
    def inputs(self) -> tuple[Value, ...]:
        """Every value among the arguments, in order."""
        return tuple(leaf for leaf in _leaves(self.arguments) if isinstance(leaf, Value))


@dataclass
class _Noted:
    """A call while the forward pass still runs: whether it detaches is known at its end."""

    call: Call
    results: tuple[torch.Tensor, ...]
    differentiable: bool


class Recorder(TorchDispatchMode):
    """Records what is executed while it is entered.

    Args:
        keep: positions, among all `calls`, of those whose first result is copied into `kept`.

    `sources` holds the tensors that no recorded operator made: parameters, buffers, constants.
    """

    def __init__(self, keep: Collection[int] = ()) -> None:
        super().__init__()
        self.kept: dict[int, torch.Tensor] = {}
        self.sources: dict[Value, torch.Tensor] = {}
        self.tensors: dict[Value, torch.Tensor] = {}
        self._keep = frozenset(keep)
        self._noted: list[_Noted] = []
        # Tensors are kept alive, so that no two of them have the same id.
        self._values: dict[int, Value] = {}
        self._sharing: dict[int, dict[int, torch.Tensor]] = {}

    def value(self, tensor: torch.Tensor) -> Value:
        """The present value of a tensor; one that was never seen is a source."""
        known = self._values.get(id(tensor))
        return known if known is not None else self._unseen(tensor)

    @property
    def names(self) -> tuple[str, ...]:
        """The operators in order."""
        return tuple(noted.call.name for noted in self._noted)

    def calls(self) -> Iterator[Call]:
        """What was recorded; asked for after the forward pass."""
        for noted in self._noted:
            call = noted.call
            broken = noted.differentiable and not any(t.requires_grad for t in noted.results)
            yield Call(call.name, call.arguments, call.outputs, call.origin, broken)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run one operator and note it."""
        arguments = _bound(func, args, kwargs or {})
        given = [leaf for leaf in _leaves(arguments) if isinstance(leaf, torch.Tensor)]
        in_values = {
            name: tree_map_only(torch.Tensor, self.value, argument)
            for name, argument in arguments.items()
        }
        inside, origin = _surroundings(sys._getframe(1))
        differentiable = not inside and any(tensor.requires_grad for tensor in given)
        result = func(*args, **(kwargs or {}))
        written = _written(func, arguments)
        results = [leaf for leaf in tree_flatten(result)[0] if isinstance(leaf, torch.Tensor)]
        results = list({id(tensor): tensor for tensor in (*results, *written)}.values())
        if not results:
            return result
        outputs = tuple(self._new_value(tensor) for tensor in results)
        floating = results[0].is_floating_point()
        name = func.overloadpacket.__name__
        call = Call(name, in_values, outputs, origin)
        self._note(_Noted(call, tuple(results), differentiable and floating))
        for tensor in written:
            self._overwrite_aliases(tensor)
        return result

    def _note(self, noted: _Noted) -> None:
        if len(self._noted) in self._keep:
            self.kept[len(self._noted)] = noted.results[0].detach().clone()
        self._noted.append(noted)

    def _new_value(self, tensor: torch.Tensor) -> Value:
        value = Value(len(self.tensors))
        self._values[id(tensor)] = value
        self.tensors[value] = tensor
        self._sharing.setdefault(_storage(tensor), {})[id(tensor)] = tensor
        return value

    def _unseen(self, tensor: torch.Tensor) -> Value:
        """A source, or `Tensor.data` of something known, which passes the dispatcher by."""
        for known in self._sharing.get(_storage(tensor), {}).values():
            if known.numel() and _same_elements(known, tensor):
                name = "detach" if known.shape == tensor.shape else VIEWED
                return self._made_up(name, {"self": self._values[id(known)]}, tensor)
        value = self._new_value(tensor)
        self.sources[value] = tensor
        return value

    def _overwrite_aliases(self, written: torch.Tensor) -> None:
        new = self._values[id(written)]
        for alias in list(self._sharing[_storage(written)].values()):
            if alias is written:
                continue
            if _same_elements(alias, written):
                self._made_up(VIEWED, {"self": new}, alias)
            else:
                old = self._values[id(alias)]
                self._made_up(OVERWRITTEN, {"self": old, "other": new}, alias)

    def _made_up(self, name: str, arguments: dict[str, Value], tensor: torch.Tensor) -> Value:
        value = self._new_value(tensor)
        self._note(_Noted(Call(name, arguments, (value,)), (tensor,), False))
        return value


def _bound(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments of an operator by the names of its schema, defaults included."""
    found: dict[str, Any] = {}
    for position, argument in enumerate(func._schema.arguments):
        if position < len(args):
            found[argument.name] = args[position]
        elif argument.name in kwargs:
            found[argument.name] = kwargs[argument.name]
        elif argument.has_default_value():
            found[argument.name] = argument.default_value
    return found


def _written(func: Any, arguments: Mapping[str, Any]) -> list[torch.Tensor]:
    written = [
        arguments[argument.name]
        for argument in func._schema.arguments
        if argument.alias_info is not None and argument.alias_info.is_write
    ]
    return [tensor for tensor in _leaves(written) if isinstance(tensor, torch.Tensor)]


def _leaves(tree: Any) -> list[Any]:
    return tree_flatten(dict(tree) if isinstance(tree, Mapping) else tree)[0]


def _storage(tensor: torch.Tensor) -> int:
    """By the address: a tensor that went through NumPy has a storage of its own there."""
    return tensor.untyped_storage().data_ptr()


def _same_elements(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors of one storage hold the same elements in the same order."""
    if one.storage_offset() != other.storage_offset() or one.numel() != other.numel():
        return False
    same_shape = one.shape == other.shape and one.stride() == other.stride()
    return same_shape or (one.is_contiguous() and other.is_contiguous())


def _surroundings(frame: FrameType | None) -> tuple[bool, str]:
    """(inside the forward of an autograd Function?, the line of the user's that runs)."""
    origin, inside = "", False
    while frame is not None:
        code = frame.f_code
        if not origin and not code.co_filename.startswith((*OWN_FOLDERS, "<")):
            origin = f"{Path(code.co_filename).name}:{frame.f_lineno}"
        if code.co_name == "forward" and isinstance(frame.f_locals.get("ctx"), FunctionCtx):
            inside = True  # autograd is off in there: the Function has a backward of its own
        if code.co_name == "record" and code.co_filename.startswith(OWN_FOLDERS[1]):
            break
        frame = frame.f_back
    return inside, origin
