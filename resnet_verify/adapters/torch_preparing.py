"""PyTorch networks as they are judged: on one device, in full precision, with all layers made."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch

from resnet_verify.adapters import CaptureError
from resnet_verify.adapters.outputs import cause

HALF = (torch.float16, torch.bfloat16)
LAZY_SHAPES = ((2, 3, 224, 224), (2, 1, 224, 224))
"""Batches that a network may take whose layers find out their sizes from the first one."""


def prepared(model: Any) -> Any:
    """See `resnet_verify.adapters.Adapter.ready`."""
    model = getattr(model, "_orig_mod", model)
    if not hasattr(model, "training"):
        raise CaptureError("torch.jit.freeze made constants of its weights; judge the script")
    device = torch.empty(0).device
    tensors = [*model.parameters(), *model.buffers()]
    made = [tensor for tensor in tensors if not torch.nn.parameter.is_lazy(tensor)]
    lazy = len(made) < len(tensors)
    half = any(tensor.dtype in HALF for tensor in tensors)
    if any(tensor.is_meta for tensor in tensors):
        raise CaptureError("its parameters are on the meta device: they have no values yet")
    moved = any(tensor.device.type != device.type for tensor in tensors)
    fixed = any(tensor.is_inference() for tensor in made)  # made in inference mode
    if lazy or half or moved or fixed:
        model = _copied(model, tensors).to(device)
    if lazy:
        _materialise(model)
    return model.float() if half else model


def _copied(model: Any, tensors: Sequence[torch.Tensor]) -> Any:
    """A deep copy; PyTorch cannot copy the buffers of a lazy layer, so they are made anew."""
    lazy = [tensor for tensor in tensors if isinstance(tensor, torch.nn.UninitializedBuffer)]
    made = {
        id(buffer): torch.nn.UninitializedBuffer(False, buffer.device, buffer.dtype)
        for buffer in lazy
    }
    return copy.deepcopy(model, made)


def _materialise(model: Any) -> None:
    """Let lazy layers find out their sizes."""
    training = [module.training for module in model.modules()]
    model.eval()
    failures: list[Exception] = []
    for shape in LAZY_SHAPES:
        try:
            with torch.no_grad():
                model(torch.zeros(shape))
        except Exception as failure:  # the target's code may raise anything
            failures.append(failure)
        else:
            for module, mode in zip(model.modules(), training, strict=True):
                module.training = mode
            return
    raise CaptureError(f"its lazy layers cannot be made: {cause(failures[0])}")
