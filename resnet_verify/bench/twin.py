"""Reference networks as targets: `resnet_verify.bench.twin:paddle?arch='resnet50'`, say."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from resnet_ref.spec import spec

if TYPE_CHECKING:
    from resnet_verify.verdict import Identity


def paddle(arch: str, **form: Any) -> object:
    """The reference network in Paddle."""
    return _build("paddle", arch, form)


def torch(arch: str, **form: Any) -> object:
    """The reference network in PyTorch."""
    return _build("torch", arch, form)


def mindspore(arch: str, **form: Any) -> object:
    """The reference network in MindSpore."""
    return _build("mindspore", arch, form)


def onnx(arch: str, **form: Any) -> object:
    """The reference network as an ONNX model."""
    return _build("onnx", arch, form)


def _build(framework: str, arch: str, form: dict[str, Any]) -> object:
    network: object = import_module(f"resnet_ref.{framework}").build(spec(arch, **form))
    return network


def twin_of(framework: str, identity: Identity) -> str:
    """The target that names the reference of what was identified."""
    words = {
        "arch": identity.arch,
        "variant": identity.variant,
        "num_classes": identity.num_classes,
        "in_channels": identity.in_channels,
        "stem": identity.stem,
        "head": identity.head,
        "output_stride": identity.output_stride,
    }
    query = "&".join(f"{name}={value}" for name, value in words.items())
    return f"{__name__}:{framework}?{query}"
