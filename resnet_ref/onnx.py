"""The reference network as an ONNX model, built operator by operator from a spec.

Evaluation mode only: a batch norm normalises by its running statistics. Weights are drawn as
in `resnet_ref.paddle`. Each initializer is named after the layer that it belongs to, and its
role there: ``stem, conv 0, weight``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from resnet_ref import layers
from resnet_ref.layout import Block, Network, layout
from resnet_ref.places import Key, Slot, named_blocks, path_places, slots
from resnet_ref.spec import ResNetSpec

OPSET, IR_VERSION = 17, 8
"""Both of 2022: every onnxruntime from 1.12 on runs them."""
IMAGE, OUTPUT = "image", "output"
TOLD = ": "
"""In the name of what an operator is told, or makes on the way; no weight's name has it."""


def build(
    network: ResNetSpec | Network | Block, dtype: str = "float32", *, seed: int = 0
) -> ModelProto:
    """The model of `network`, freshly initialised; its input is (N, C, H, W), all sizes open.

    Args:
        network: what to build; a block alone takes and gives a feature map.
        dtype: "float32" or "float64".
        seed: of the weights.

    Raises:
        ValueError: a convolution pads otherwise than with zeros.
    """
    writer = _Writer(np.dtype(dtype), np.random.default_rng(seed))
    if isinstance(network, ResNetSpec):
        network = layout(network)
    if isinstance(network, Block):
        output = writer.block("", network, IMAGE)
    else:
        output = writer.path("stem", network.stem, IMAGE)
        for where, block in named_blocks(network):
            output = writer.block(where, block, output)
        output = writer.path("head", network.head, output)
    flat = isinstance(network, Network) and any(isinstance(x, layers.Flatten) for x in network.head)
    return writer.model(output, rank=2 if flat else 4)


def keys(initializers: Iterable[str]) -> dict[Key, str]:
    """The names of the weights among `initializers`, by (location, role)."""
    weights = [name for name in initializers if TOLD not in name]
    return {(name.rpartition(", ")[0], name.rpartition(", ")[2]): name for name in weights}


def named_tensors(model: ModelProto) -> Iterator[tuple[Key, TensorProto]]:
    """Every parameter and buffer of a model that `build` made, under its (location, role)."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    for key, name in keys(tensors).items():
        yield key, tensors[name]


class _Writer:
    """A model while it is written: its operators and weights so far."""

    def __init__(self, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
        self._dtype = dtype
        self._rng = rng
        self._nodes: list[NodeProto] = []
        self._tensors: list[TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Append an operator; the name of its output."""
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, *numbers: int) -> str:
        """A list of whole numbers that an operator is told; its name."""
        self._tensors.append(numpy_helper.from_array(np.array(numbers, np.int64), name))
        return name

    def path(self, where: str, described: tuple[layers.Layer, ...], value: str) -> str:
        """Append layers one after the other; the name of the last output."""
        for location, layer in path_places(where, described):
            held = {slot.role: f"{location}, {slot.role}" for slot in slots(layer)}
            for slot in slots(layer):
                drawn = _drawn(layer, slot, self._rng).astype(self._dtype)
                self._tensors.append(numpy_helper.from_array(drawn, held[slot.role]))
            value = self._layer(location, layer, held, value)
        return value

    def block(self, where: str, block: Block, value: str) -> str:
        """Append ``post(branch(p) + shortcut(p or x))`` with ``p = pre(x)``."""
        prefix = f"{where}, " if where else ""
        entered = self.path(f"{prefix}pre", block.pre, value)
        branch = self.path(f"{prefix}branch", block.branch, entered)
        shortcut = value
        if block.shortcut:
            shortcut = self.path(f"{prefix}shortcut", block.shortcut, entered)
        total = self.add("Add", [branch, shortcut], f"{prefix}add")
        return self.path(f"{prefix}post", block.post, total)

    def _layer(self, where: str, layer: layers.Layer, held: Mapping[str, str], value: str) -> str:
        inputs = [value, *held.values()]
        match layer:
            case layers.Conv():
                return self.add("Conv", inputs, where, **_conv(layer))
            case layers.BatchNorm():
                return self._norm(where, layer, held, value)
            case layers.Relu():
                return self.add("Relu", inputs, where)
            case layers.ZeroPad(padding=(top, bottom, left, right)):
                amounts = self.constant(
                    f"{where}{TOLD}amounts", 0, 0, top, left, 0, 0, bottom, right
                )
                return self.add("Pad", [value, amounts], where)
            case layers.MaxPool():
                return self.add("MaxPool", inputs, where, **_window(layer))
            case layers.AvgPool():
                counted = int(layer.count_include_pad)
                return self.add(
                    "AveragePool", inputs, where, count_include_pad=counted, **_window(layer)
                )
            case layers.GlobalAvgPool():
                return self.add("GlobalAveragePool", inputs, where)
            case layers.Flatten():
                return self.add("Flatten", inputs, where)
            case layers.Linear():
                return self.add("Gemm", inputs, where)
            case layers.Dropout():
                return self.add("Dropout", inputs, where)  # drops nothing unless told to
            case layers.Softmax():
                return self.add("LogSoftmax" if layer.log else "Softmax", inputs, where, axis=1)
            case layers.PadShortcut():
                return self._pad_shortcut(where, layer, value)
            case layers.SqueezeExcite():
                return self._squeeze_excite(where, held, value)

    def _norm(
        self, where: str, layer: layers.BatchNorm, held: Mapping[str, str], value: str
    ) -> str:
        affine = {"weight": f"{where}{TOLD}scale", "bias": f"{where}{TOLD}shift"}
        for role, number in (("weight", 1), ("bias", 0)):
            if not layer.affine:  # the operator has no form without
                plain = np.full(layer.channels, number, self._dtype)
                self._tensors.append(numpy_helper.from_array(plain, affine[role]))
        roles = ("weight", "bias", "mean", "variance")
        inputs = [value, *({**affine, **held}[role] for role in roles)]
        return self.add("BatchNormalization", inputs, where, epsilon=layer.eps,
                        momentum=layer.momentum)  # fmt: skip

    def _pad_shortcut(self, where: str, layer: layers.PadShortcut, value: str) -> str:
        limits = [
            self.constant(f"{where}{TOLD}{name}", *numbers)
            for name, numbers in (
                ("starts", (0, 0)),
                ("ends", (2**31 - 1,) * 2),
                ("axes", (2, 3)),
                ("steps", (layer.stride,) * 2),
            )
        ]
        picked = self.add("Slice", [value, *limits], f"{where}{TOLD}subsampled")
        amounts = (0, layer.before, 0, 0, 0, layer.after, 0, 0)
        return self.add("Pad", [picked, self.constant(f"{where}{TOLD}amounts", *amounts)], where)

    def _squeeze_excite(self, where: str, held: Mapping[str, str], value: str) -> str:
        def linear(part: str, source: str) -> str:
            tensors = [name for role, name in held.items() if role.startswith(part)]
            return self.add("Gemm", [source, *tensors], f"{where}{TOLD}{part}")

        pooled = self.add("GlobalAveragePool", [value], f"{where}{TOLD}pooled")
        means = self.add("Flatten", [pooled], f"{where}{TOLD}means")
        active = self.add("Relu", [linear("squeeze", means)], f"{where}{TOLD}active")
        gate = self.add("Sigmoid", [linear("excite", active)], f"{where}{TOLD}gate")
        axes = self.constant(f"{where}{TOLD}axes", 2, 3)
        image = self.add("Unsqueeze", [gate, axes], f"{where}{TOLD}gate as an image")
        return self.add("Mul", [value, image], where)

    def model(self, value: str, rank: int) -> ModelProto:
        """What was written, as a model that puts out `value`."""
        self.add("Identity", [value], OUTPUT)
        kind = helper.np_dtype_to_tensor_dtype(self._dtype)
        image = helper.make_tensor_value_info(IMAGE, kind, ["N", "C", "H", "W"])
        output = helper.make_tensor_value_info(OUTPUT, kind, [None] * rank)
        graph = helper.make_graph(self._nodes, "resnet", [image], [output], self._tensors)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="resnet_ref"
        )


def _conv(layer: layers.Conv) -> dict[str, Any]:
    if layer.pad_mode != "zeros":
        raise ValueError(f"no documented ResNet pads with {layer.pad_mode!r}, only with zeros")
    return {
        "kernel_shape": layer.kernel,
        "strides": layer.stride,
        "pads": _pads(layer.padding),
        "dilations": layer.dilation,
        "group": layer.groups,
    }


def _window(layer: layers.MaxPool | layers.AvgPool) -> dict[str, Any]:
    return {
        "kernel_shape": layer.kernel,
        "strides": layer.stride,
        "pads": _pads(layer.padding),
        **({"ceil_mode": 1} if layer.ceil_mode else {}),
    }


def _pads(padding: layers.Padding) -> tuple[int, int, int, int]:
    top, bottom, left, right = padding
    return (top, left, bottom, right)


def _drawn(layer: layers.Layer, slot: Slot, rng: np.random.Generator) -> NDArray[Any]:
    """The initial value of a tensor."""
    if len(slot.shape) > 1:
        return rng.standard_normal(slot.shape, np.float32) * np.float32(_deviation(layer, slot))
    filled = slot.role == "variance" or (slot.role == "weight" and len(slot.shape) == 1)
    return np.full(slot.shape, 1.0 if filled else 0.0)


def _deviation(layer: layers.Layer, slot: Slot) -> float:
    """He et al. 2015 for convolutions, Goyal et al. 2017 for the classifier, Glorot for a gate."""
    match layer:
        case layers.Conv():
            return math.sqrt(2 / (layer.out_channels * math.prod(layer.kernel)))
        case layers.Linear():
            return 0.01
        case _:
            return math.sqrt(2 / sum(slot.shape))
