"""Trace a Paddle network; what stands in the way is put aside for as long as it takes."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from inspect import ismethod
from types import MethodType
from typing import Any

import numpy as np
import paddle
from paddle.autograd import PyLayer, PyLayerContext

from resnet_verify.adapters import CaptureError
from resnet_verify.adapters.outputs import cause, flatten
from resnet_verify.adapters.paddle_inplace import Overwrites, noted_overwrites
from resnet_verify.adapters.paddle_values import Answers, Links, noted_answers, told_answers


@dataclass(frozen=True)
class Traced:
    """A forward pass traced: Paddle's ConcreteProgram, and what the program itself does not say."""

    concrete: Any
    overwrites: Overwrites
    links: Links


def trace(model: Any, shape: tuple[int, ...], dtype: str) -> Traced:
    """Trace ``model(x)`` for one input of `shape`.

    A network that asks for values in Python is told those of an eager run on noise.

    Raises:
        CaptureError: the forward pass raises.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return _traced(model, shape, dtype, {})
            except Exception:  # it needs values, or raises in any case
                answers = _answers(model, shape, dtype)
                return _traced(model, shape, dtype, answers)
    except Exception as error:  # the target's code may raise anything
        raise CaptureError(cause(error)) from error


def _traced(model: Any, shape: tuple[int, ...], dtype: str, answers: Answers) -> Traced:
    spec = [paddle.static.InputSpec(shape, dtype, name="x")]

    @paddle.jit.not_to_static  # type: ignore[untyped-decorator]
    def as_written(x: Any) -> list[Any]:
        return flatten(model(x), is_value)

    try:
        with _traceable(model), noted_overwrites() as overwrites, told_answers(answers) as links:
            forward = paddle.jit.to_static(as_written, input_spec=spec, full_graph=True)
            return Traced(forward.concrete_program, overwrites, links)
    finally:
        paddle.disable_static()


def _answers(model: Any, shape: tuple[int, ...], dtype: str) -> Answers:
    """What the network is told of values in an eager run, which leaves it as it was."""
    noise = np.random.default_rng(0).standard_normal(shape)
    held = [*model.parameters(), *model.buffers()]
    before = [tensor.clone() for tensor in held]
    try:
        with _attributes_kept(model), _undecorated(model), noted_answers() as answers:
            model(paddle.to_tensor(noise, dtype))
    finally:
        with paddle.no_grad():
            for tensor, value in zip(held, before, strict=True):
                tensor.set_value(value)
    return answers


def called_once(model: Any) -> Any:
    """A copy of a network that makes its layers when it is called first, with these layers.

    The network itself, where it cannot be called: that is for the checks to tell.
    """
    made = copy.deepcopy(model)
    training = made.training
    made.eval()
    try:
        with paddle.no_grad():
            made(paddle.zeros([2, 3, 224, 224]))
    except Exception:  # the target's code may raise anything
        return model
    if training:
        made.train()
    return made


def is_value(value: object) -> bool:
    """Whether `value` is a symbolic value of either dialect, or a tensor."""
    kinds = (paddle.static.Variable, paddle.Tensor)
    return hasattr(value, "get_defining_op") or isinstance(value, kinds)


@contextmanager
def _traceable(model: Any) -> Iterator[None]:
    """The network in a state in which tracing sees what runs eagerly."""
    with _attributes_kept(model), _recompute_inlined(), _undecorated(model):
        with _legacy_norms_in_mode(model), _records_forgotten(), _own_functions_inlined():
            yield


@contextmanager
def _attributes_kept(model: Any) -> Iterator[None]:
    """What a forward pass stores in its layers is symbolic while it is traced: not to be kept.

    Nor is what it puts into their dictionaries, lists and sets.
    """
    layers = model.sublayers(include_self=True)
    before = [(container, container.copy()) for container in _containers(map(vars, layers))]
    try:
        yield
    finally:
        for container, content in before:
            container.clear()
            if isinstance(container, list):
                container.extend(content)
            else:
                container.update(content)


def _containers(values: Iterable[object]) -> list[Any]:
    """The dictionaries, lists and sets among values, and those in them."""
    found: dict[int, Any] = {}
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list | set | tuple) and id(value) not in found:
            found[id(value)] = value
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return [each for each in found.values() if not isinstance(each, tuple)]


@contextmanager
def _legacy_norms_in_mode(model: Any) -> Iterator[None]:
    """`paddle.nn.BatchNorm` of Paddle 2 follows `training` eagerly, but not where it is traced."""
    norms = [
        layer
        for layer in model.sublayers(include_self=True)
        if isinstance(layer, paddle.nn.BatchNorm) and hasattr(layer, "_is_test")
    ]
    flags = [layer._is_test for layer in norms]
    for layer in norms:
        layer._is_test = not layer.training
    try:
        yield
    finally:
        for layer, flag in zip(norms, flags, strict=True):
            layer._is_test = flag


@contextmanager
def _undecorated(model: Any) -> Iterator[None]:
    """Forward methods under ``@paddle.jit.to_static`` as written: static code calls no other."""
    decorated = [
        (layer, layer.forward.dygraph_function, vars(layer).get("forward"))
        for layer in model.sublayers(include_self=True)
        if hasattr(layer.forward, "dygraph_function")
    ]
    for layer, function, _ in decorated:
        bound = function if ismethod(function) else MethodType(function, layer)
        vars(layer)["forward"] = bound
    try:
        yield
    finally:
        for layer, _, own in decorated:
            del vars(layer)["forward"]
            if own is not None:
                vars(layer)["forward"] = own


@contextmanager
def _own_functions_inlined() -> Iterator[None]:
    """Functions with a backward pass of their own, which tracing does not take, as what they do.

    Whether their gradients are right is seen where they run.
    """

    def apply(function: Any, *args: Any, **named: Any) -> Any:
        return function.forward(PyLayerContext(), *args, **named)

    PyLayer.apply = classmethod(apply)
    try:
        yield
    finally:
        del PyLayer.apply


@contextmanager
def _records_forgotten() -> Iterator[None]:
    """What a trace that raises has recorded is not for the next program at the same address.

    Paddle 3 keeps it under that address, and the next trace would read freed memory.
    """
    kept = records()
    before = [set(record) for record in kept]
    try:
        yield
    finally:
        for record, known in zip(kept, before, strict=True):
            for program in record.keys() - known:
                del record[program]


def records() -> list[dict[int, Any]]:
    """What Paddle keeps of the programs being traced, in a module that has moved."""
    for package in ("dy2static", "pir_dy2static"):
        with suppress(ModuleNotFoundError):
            module = import_module(f"paddle.jit.{package}.parameter_recorder")
            parameters, overwritten = module._global_parameter_recorder, module._global_inplace_map
            return [*vars(parameters).values(), *vars(overwritten).values()]
    return []


@contextmanager
def _recompute_inlined() -> Iterator[None]:
    """Paddle 2.6 cannot trace through `recompute`, which computes what its function computes."""
    module = sys.modules.get("paddle.distributed.fleet.recompute.recompute")
    names = ("RecomputeFunction", "_recompute_without_reentrant", "framework")
    if module is None or not paddle.__version__.startswith("2."):
        yield
        return
    originals = {name: getattr(module, name) for name in names if hasattr(module, name)}

    class Inlined:
        @staticmethod
        def apply(function: Any, preserve: bool, *args: Any) -> Any:
            return function(*args)

    class NoTracer:
        @staticmethod
        def _dygraph_tracer() -> Any:
            return type("Tracer", (), {"_has_grad": False})

    vars(module).update(RecomputeFunction=Inlined, framework=NoTracer)
    module._recompute_without_reentrant = lambda function, preserve, *args: function(*args)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        vars(module).update(originals)
