"""Trace a Paddle network; what stands in the way is put aside for as long as it takes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import ismethod
from types import MethodType
from typing import Any

import numpy as np
import paddle

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


def is_value(value: object) -> bool:
    """Whether `value` is a symbolic value of either dialect, or a tensor."""
    kinds = (paddle.static.Variable, paddle.Tensor)
    return hasattr(value, "get_defining_op") or isinstance(value, kinds)


@contextmanager
def _traceable(model: Any) -> Iterator[None]:
    """The network in a state in which tracing sees what runs eagerly."""
    with _attributes_kept(model), _recompute_inlined(), _undecorated(model):
        with _legacy_norms_in_mode(model):
            yield


@contextmanager
def _attributes_kept(model: Any) -> Iterator[None]:
    """What a forward pass stores in its layers is symbolic while it is traced: not to be kept."""
    layers = model.sublayers(include_self=True)
    before = [dict(vars(layer)) for layer in layers]
    registers = [
        (register, dict(register))
        for layer in layers
        for register in (layer._parameters, layer._buffers, layer._sub_layers)
    ]
    try:
        yield
    finally:
        for layer, attributes in zip(layers, before, strict=True):
            vars(layer).clear()
            vars(layer).update(attributes)
        for register, content in registers:
            register.clear()
            register.update(content)


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
