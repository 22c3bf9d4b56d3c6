"""MindSpore's runtime, made ready: Python as it is written, fast convolutions, no noise."""

from __future__ import annotations

import inspect
import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, suppress
from importlib import import_module
from types import MethodType
from typing import Any

import mindspore
import numpy as np
from mindspore import log

try:
    from mindspore.graph.api import _pynative_executor
except ImportError:  # before 2.9
    from mindspore.common.api import _pynative_executor

executor: Any = _pynative_executor

# Not by name: MindSpore also has a function `seed` there.
_seeds: Any = import_module("mindspore.common.seed")


@contextmanager
def global_state() -> Iterator[None]:
    """MindSpore's seeds, generator, mode and device are put back on exit."""
    seed, kernel_seeds = _seeds._GLOBAL_SEED, dict(_seeds._KERNEL_SEED)
    generator = np.array(mindspore.get_rng_state().asnumpy())
    context = {name: mindspore.get_context(name) for name in ("mode", "device_target")}
    try:
        yield
    finally:
        set_context(**context)
        mindspore.set_rng_state(mindspore.Tensor(generator))
        _seeds._GLOBAL_SEED = seed
        _seeds._KERNEL_SEED.clear()
        _seeds._KERNEL_SEED.update(kernel_seeds)


def set_context(**settings: Any) -> None:
    """Set what is not already so: to set it again is not without effect."""
    for name, value in settings.items():
        if mindspore.get_context(name) != value:
            mindspore.set_context(**{name: value})


@contextmanager
def as_written(model: Any) -> Iterator[None]:
    """Python runs line by line: no network or function is compiled, whatever its decorator says."""
    mode = mindspore.get_context("mode")
    with environment("MS_JIT", "0"), ExitStack() as stack:
        for _, cell in model.cells_and_names():
            function = getattr(cell.construct, "__func__", cell.construct)
            if hasattr(function, "__wrapped_by_jit__"):
                as_defined = MethodType(inspect.unwrap(function), cell)
                stack.enter_context(replaced(cell, "construct", as_defined))
        set_context(mode=mindspore.PYNATIVE_MODE)
        try:
            yield
        finally:
            set_context(mode=mode)


@contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    """An environment variable is `value`, for as long as the context lasts."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def seeded_dropout(seeds: Iterator[int] | None) -> Iterator[None]:
    """Each dropout draws from a generator of its own, seeded with the next of `seeds`, if given.

    MindSpore's own seeds reach a dropout when it is built, and not after.
    """
    if seeds is None:
        yield
        return
    dropout = mindspore.ops.Dropout
    call = dropout.__call__

    def seeded(primitive: Any, x: Any) -> Any:
        seed = next(seeds)
        return call(dropout(primitive.keep_prob, seed, seed), x)

    with replaced(dropout, "__call__", seeded):
        yield


@contextmanager
def whole_steps() -> Iterator[None]:
    """Where a step fails halfway, MindSpore goes on to note gradients until it is told to stop."""
    try:
        yield
    except Exception:
        executor.clear_res()
        raise


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """An attribute is `value`, for as long as the context lasts."""
    own = name in vars(owner)
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if own:
            setattr(owner, name, before)
        else:
            delattr(owner, name)


def warm_up() -> None:
    """Run the first operators of the process here, where what is odd about them does no harm.

    The first sum of a tensor and a number raises SystemError where NumPy is 2 or newer, with
    pages of warnings. And oneDNN looks once at how far it may go with the processor's
    instructions: where that is AVX-512, MindSpore 2.10 gets its reference convolutions, a
    hundred times slower than those of AVX2.
    """
    with silence(), environment("ONEDNN_MAX_CPU_ISA", os.environ.get(_ISA, "AVX2")):
        with suppress(SystemError):
            mindspore.Tensor(1.0) + 1.0
        image = mindspore.Tensor(np.ones((1, 1, 3, 3), np.float32))
        mindspore.ops.conv2d(image, image).asnumpy()


_ISA = "ONEDNN_MAX_CPU_ISA"


@contextmanager
def quiet() -> Iterator[None]:
    """MindSpore's Python code logs nothing."""
    logger = log._get_logger()
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


@contextmanager
def silence() -> Iterator[None]:
    """Nothing reaches standard error, neither from Python nor from C++."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        with redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
