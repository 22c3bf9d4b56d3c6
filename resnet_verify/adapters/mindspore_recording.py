"""Record the operators that a MindSpore network runs, as it runs them.

MindSpore hands each operator to the innermost `MsDispatchMode` before it runs, whoever calls it
and however. Values are told apart by a mark on the tensor itself: the Python objects that stand
for one tensor come and go.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import mindspore
from mindspore import Parameter, Tensor
from mindspore.ops import Primitive
from mindspore.ops.auto_generate import gen_ops_def, gen_ops_prim

from resnet_verify.adapters import CaptureError
from resnet_verify.adapters.mindspore_runtime import as_written, executor, replaced
from resnet_verify.adapters.mindspore_tensors import array_of, is_tensor, overwrite, tensor_of
from resnet_verify.adapters.outputs import flatten

if TYPE_CHECKING:
    from resnet_verify.adapters import Array

try:
    from mindspore.utils.ms_dispatch import MsDispatchMode
except ImportError:  # before 2.9
    MsDispatchMode = object

MARK = "resnet_verify"
FEW = 16
"""A tensor of so many integers is an argument (axes, amounts of padding), and no data."""

FRESH = frozenset(("Conv2D", "BatchNorm", "ReLU", "Add", "AddExt", "MaxPool", "MatMul", "BiasAdd"))
"""Operators known to make no view: to find that out about others, the computation is waited for."""


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor among the arguments of an operator."""

    number: int


@dataclass(frozen=True)
class Call:
    """One operator as it ran: `Value` for each tensor among its arguments, plain ones as given.

    `results` are the numbers of the tensors that it made. `detached` says that gradients were
    switched off.
    """

    name: str
    arguments: tuple[Any, ...]
    attributes: Mapping[str, Any]
    results: tuple[int, ...]
    origin: str
    detached: bool

    @property
    def inputs(self) -> tuple[int, ...]:
        """The numbers of the tensors that it read, in order."""
        return tuple(_numbers(self.arguments))


class Recorder(MsDispatchMode):  # type: ignore[misc]  # MindSpore has no types
    """Notes every operator that runs while it is entered.

    Args:
        wanted: the values whose arrays to keep.
    """

    def __init__(self, wanted: Collection[int] = ()) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.shapes: dict[int, tuple[int, ...]] = {}
        self.dtypes: dict[int, str] = {}
        self.held: dict[int, Any] = {}
        """Parameters, and other tensors that were there before."""
        self.constants: dict[int, float] = {}
        """Tensors filled with one number."""
        self.arrays: dict[int, Array] = {}
        self._wanted = wanted
        self._serial = next(_serials)
        self._kept: dict[int, Array] = {}

    def __ms_dispatch__(self, func: Any, args: Any, kwargs: Any = None) -> Any:
        """Run one operator and note it; MindSpore calls this."""
        name, attributes, given = _opened(func.name, args)
        arguments = self.read(given)
        if attributes.get("side_effect_mem"):
            self.keep(_numbers(arguments[3:5] if name == "BatchNorm" else arguments))
        result = func(*args)
        if name not in FRESH:
            result = _separate(result, given)
        self.note(name, arguments, result, attributes)
        return result

    def number(self, tensor: Any) -> int | None:
        """The number of a tensor that this recorder has met, None for another."""
        serial, number = tensor._get_user_data(MARK) or (0, 0)
        return number if serial == self._serial else None

    def enter(self, tensor: Any) -> int:
        """Give a tensor a number of its own, from now on."""
        number = len(self.shapes)
        tensor._set_user_data(MARK, (self._serial, number))
        self.shapes[number] = tuple(tensor.shape)
        self.dtypes[number] = str(tensor.dtype).lower()
        if number in self._wanted:
            self.arrays[number] = array_of(tensor)
        return number

    def read(self, given: Any) -> Any:
        """What an operator is given, with a `Value` for each tensor that holds data."""
        if isinstance(given, Tensor):
            return self._read_tensor(given)
        if isinstance(given, tuple | list):
            return tuple(map(self.read, given))
        return given

    def _read_tensor(self, tensor: Any) -> Any:
        number = self.number(tensor)
        if number is not None:
            return Value(number)
        # An operator of a newer kind gets a parameter as a mere tensor, marked as to be trained.
        if not isinstance(tensor, Parameter) and not tensor._requires_grad:
            array = array_of(tensor)
            if array.ndim == 0 or (array.dtype.kind == "i" and array.size <= FEW):
                return array.tolist()
            if array.min() == array.max():
                number = self.enter(tensor)
                self.constants[number] = float(array.flat[0])
                return Value(number)
        return Value(self.hold(tensor))

    def hold(self, tensor: Any) -> int:
        """Give a number to a tensor that was there before."""
        number = self.enter(tensor)
        self.held[number] = tensor
        return number

    def note(
        self,
        name: str,
        arguments: tuple[Any, ...],
        result: Any,
        attributes: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Note an operator that has run."""
        made = tuple(self.enter(tensor) for tensor in _tensors(result))
        if made:  # others tell the shape of a tensor, or its type
            detached = not executor.enable_grad()
            self.calls.append(Call(name, arguments, attributes, made, _origin(), detached))

    def keep(self, numbers: Iterable[int]) -> None:
        """Remember the present values of those among `numbers` that are held."""
        for number in numbers:
            if number in self.held and number not in self._kept:
                self._kept[number] = array_of(self.held[number])

    def restore(self) -> None:
        """Put back what is remembered."""
        overwrite((self.held[number], array) for number, array in self._kept.items())


_serials = itertools.count(1)


@dataclass(frozen=True)
class Recording:
    """A forward pass that was recorded: what ran, and what came out."""

    recorder: Recorder
    image: int
    outputs: tuple[int | None, ...]


def record(model: Any, image: Any, wanted: Collection[int] = ()) -> Recording:
    """Run ``model(image)`` and record its operators; parameters that it overwrites are put back.

    Raises:
        CaptureError: this MindSpore hands over no operators.
    """
    if MsDispatchMode is object:
        raise CaptureError(
            f"MindSpore {mindspore.__version__} does not tell what it runs; 2.9 does"
        )
    recorder = Recorder(wanted)
    number = recorder.enter(image)
    held = [(recorder.hold(param), param.requires_grad) for param in model.get_parameters()]
    recorder.keep(number for number, trained in held if not trained)
    try:
        with as_written(model), recorder, _unreported(recorder):
            outputs = flatten(model(image), is_tensor)
            executor.sync()  # errors come with it
    finally:
        recorder.restore()
    return Recording(recorder, number, tuple(map(recorder.number, outputs)))


@contextmanager
def _unreported(recorder: Recorder) -> Iterator[None]:
    """What MindSpore does not report: indexing, and concatenation of a list."""
    getitem, setitem = Tensor.__getitem__, Tensor.__setitem__
    concat, call = gen_ops_def.concat_impl, gen_ops_prim.Concat.__call__

    def reported_getitem(tensor: Any, index: Any) -> Any:
        arguments = recorder.read((tensor, index))
        result = _separate(getitem(tensor, index), tensor)
        if recorder.number(result) is None:  # indices that are tensors are operators' work
            recorder.note("getitem", arguments, result)
        return result

    def reported_setitem(tensor: Any, index: Any, value: Any) -> None:
        arguments = recorder.read((tensor, index, value))
        setitem(tensor, index, value)
        recorder.note("setitem", arguments, tensor)

    with (
        replaced(Tensor, "__getitem__", reported_getitem),
        replaced(Tensor, "__setitem__", reported_setitem),
        replaced(gen_ops_def, "concat_impl", lambda parts, axis: concat(tuple(parts), axis)),
        replaced(gen_ops_prim.Concat, "__call__", lambda self, parts: call(self, tuple(parts))),
    ):
        yield


def _opened(name: str, args: Sequence[Any]) -> tuple[str, Mapping[str, Any], Sequence[Any]]:
    """Name, attributes and arguments, however an operator is handed over."""
    if args and isinstance(args[0], Primitive):  # (primitive, name, arguments)
        return name, args[0].attrs, args[2]
    return name, {}, args


def _separate(result: Any, given: Any) -> Any:
    """What an operator made, views copied: what reads a view gets a copy that bears no mark."""
    storages = {_storage(tensor) for tensor in _tensors(given)}

    def separate(made: Any) -> Any:
        if isinstance(made, tuple | list):
            return type(made)(map(separate, made))
        if is_tensor(made) and made._get_user_data(MARK) is None and _storage(made) in storages:
            return tensor_of(array_of(made), made.dtype)
        return made

    return separate(result)


def _storage(tensor: Any) -> int:
    address: int = tensor.untyped_storage().data_ptr()
    return address


def _tensors(nest: Any) -> Iterator[Any]:
    if is_tensor(nest):
        yield nest
    elif isinstance(nest, tuple | list):
        for part in nest:
            yield from _tensors(part)


def _numbers(arguments: Any) -> Iterator[int]:
    if isinstance(arguments, Value):
        yield arguments.number
    elif isinstance(arguments, tuple):
        for argument in arguments:
            yield from _numbers(argument)


# MindSpore's own code, and this package.
FOREIGN = (str(Path(mindspore.__file__).parent), str(Path(__file__).parents[1]))


def _origin() -> str:
    """The innermost line of the target's own code, as ``file.py:12``; empty where there is none."""
    frame = sys._getframe(1)
    while frame.f_code is not record.__code__:
        if not frame.f_code.co_filename.startswith(FOREIGN):
            return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        if frame.f_back is None:
            break
        frame = frame.f_back
    return ""
