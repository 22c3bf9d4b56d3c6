"""How each framework runs a workload, a file for each; only that file imports the framework."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from resnet_verify.bench.workload import Unsupported

BACKENDS = ("paddle", "torch", "mindspore", "onnx")


def nothing() -> None:
    """What a device has to be waited for that computes at once."""


@dataclass(frozen=True)
class Step:
    """A step that is ready to be run.

    Args:
        framework: its name and version.
        engine: the engine that was chosen.
        run: does one step; a GPU may still be at it afterwards.
        wait: returns when the device has done all that it was given.
        device_seconds: runs its argument between two events of the device and returns the
            seconds between them; None where the device is the CPU.
        device_memory: the most bytes that the device has held; None on a CPU.
        matmul: one product of two square matrices of the given size, on the device and in the
            workload's type; None where the framework has no call for it.
    """

    framework: str
    engine: str
    run: Callable[[], Any]
    wait: Callable[[], None] = nothing
    device_seconds: Callable[[Callable[[], Any]], float] | None = None
    device_memory: Callable[[], int] | None = None
    matmul: Callable[[int], Callable[[], Any]] | None = None


def backend_for(model: object) -> ModuleType:
    """The module that prepares steps of `model`: it has `prepare(model, workload) -> Step`.

    A path is that of an ONNX file.

    Raises:
        Unsupported: no framework here knows the model.
    """
    frameworks = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    frameworks |= {"onnx"} if isinstance(model, Path) else set()
    for name in BACKENDS:
        if name in frameworks:
            return import_module(f"{__name__}.{name}")
    kind = type(model)
    raise Unsupported(
        f"a {kind.__module__}.{kind.__qualname__} cannot be timed; it has to be a network of "
        f"{', '.join(BACKENDS)}"
    )
