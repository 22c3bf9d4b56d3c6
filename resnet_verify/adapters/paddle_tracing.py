"""What stands in the way of tracing a Paddle network, put aside for as long as it takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import ismethod
from types import MethodType
from typing import Any

import paddle


@contextmanager
def traceable(model: Any) -> Iterator[None]:
    """The network in a state in which tracing sees what runs eagerly."""
    with _attributes_kept(model), _recompute_inlined(), _undecorated(model):
        with _legacy_norms_in_mode(model):
            yield


@contextmanager
def _attributes_kept(model: Any) -> Iterator[None]:
    """What a forward pass stores in its layers is symbolic while it is traced: not to be kept."""
    layers = model.sublayers(include_self=True)
    before = [dict(vars(layer)) for layer in layers]
    try:
        yield
    finally:
        for layer, attributes in zip(layers, before, strict=True):
            vars(layer).clear()
            vars(layer).update(attributes)


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
