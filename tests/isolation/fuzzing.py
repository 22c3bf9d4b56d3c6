"""Damage files at random, and see that what reads them refuses them or reads the whole.

A reader that meets a damaged file either says so in its own error, or gives all tensors under
their names with their shapes: a number may have changed where the format has no checksum.
"""

import random
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from resnet_verify import weights
from resnet_verify.adapters import registered

RANDOM = np.random.default_rng(0)
STATE = {
    "conv.weight": RANDOM.standard_normal((4, 3, 3, 3)).astype(np.float32),
    "norm.weight": np.ones(4, np.float32),
    "linear.bias": np.arange(4, dtype=np.float32),
}
FORMATS = {
    ".safetensors": "safetensors", ".pdparams": "paddle", ".pth": "torch", ".ckpt": "mindspore",
    ".onnx": "onnx",
}  # fmt: skip


def formats():
    """The suffixes whose reader is installed."""
    return [suffix for suffix, package in FORMATS.items() if find_spec(package)]


def sound_file(suffix, folder):
    """The content of a sound file with `STATE` in it, or of a small ONNX network."""
    path = folder / f"sound{suffix}"
    match suffix:
        case ".safetensors":
            from safetensors.numpy import save

            return save(STATE)
        case ".pdparams":
            import paddle

            paddle.save({name: paddle.to_tensor(a) for name, a in STATE.items()}, str(path))
        case ".pth":
            import torch

            torch.save({name: torch.from_numpy(a) for name, a in STATE.items()}, path)
        case ".ckpt":
            import mindspore

            named = [{"name": n, "data": mindspore.Tensor(a)} for n, a in STATE.items()]
            mindspore.save_checkpoint(named, str(path))
        case ".onnx":
            return _onnx_network()
    return path.read_bytes()


def _onnx_network():
    from onnx import TensorProto, helper, numpy_helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "conv.weight"], ["y"])],
        "network",
        [value("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [value("y", TensorProto.FLOAT, ["n", 4, 6, 6])],
        [numpy_helper.from_array(STATE["conv.weight"], "conv.weight")],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def damaged(content, rng):
    """`content` with one damage or a few, and the name of the last; never as it was."""
    found = bytearray(content)
    name = ""
    while bytes(found) == content:
        for _ in range(rng.choice((1, 1, 1, 3, 10))):
            name = rng.choice(tuple(DAMAGES))
            DAMAGES[name](found, rng)
    return bytes(found), name


def _flip(data, rng):
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(data, rng):
    start = rng.randrange(len(data) + 1)
    data[start : start + 8] = rng.choice((bytes(8), b"\xff" * 8, rng.randbytes(8)))


def _truncate(data, rng):
    del data[rng.randrange(len(data) + 1) :]


def _cut(data, rng):
    start = rng.randrange(len(data) + 1)
    del data[start : start + rng.randrange(1, 64)]


def _insert(data, rng):
    start = rng.randrange(len(data) + 1)
    data[start:start] = rng.randbytes(rng.randrange(1, 64))


def _repeat(data, rng):
    start = rng.randrange(len(data) + 1)
    data[start:start] = data[start : start + rng.randrange(1, 256)]


def _append(data, rng):
    data += rng.randbytes(rng.randrange(1, 64))


DAMAGES = {
    "flip": _flip, "overwrite": _overwrite, "truncate": _truncate, "cut": _cut,
    "insert": _insert, "repeat": _repeat, "append": _append,
}  # fmt: skip


def outcome(path):
    """How the file at `path` is read: "refused", "whole", or in words what went wrong.

    Nothing else is caught here than what the readers promise to raise.
    """
    if path.suffix == ".onnx":
        return _onnx_outcome(path)
    adapter = registered()[FORMATS[path.suffix]].load() if path.suffix != ".safetensors" else None
    suffix = adapter.weights_suffix if adapter else path.suffix
    receiver = _Receiver(suffix, adapter)
    try:
        weights.load_weights(receiver, None, weights.read_weights(path, receiver), path)
    except weights.WeightsError as error:
        return "refused" if str(error).strip() else "refused without a word"
    shapes = {name: array.shape for name, array in receiver.loaded.items()}
    return "whole" if shapes == {n: a.shape for n, a in STATE.items()} else f"read as {shapes}"


class _Receiver:
    """Stands for a network with `STATE`, in the framework of `adapter`."""

    name = "a framework"

    def __init__(self, suffix, adapter):
        self.weights_suffix, self._adapter = suffix, adapter
        self.loaded = {}

    def read_weights(self, path):
        return self._adapter.read_weights(path)

    def state(self, _model):
        return STATE

    def params(self, _model):
        return [SimpleNamespace(name=name) for name in STATE]

    def load_state(self, _model, state):
        self.loaded = state


def _onnx_outcome(path):
    from resnet_verify.adapters import onnx_network

    adapter = registered()["onnx"].load()
    try:
        model = onnx_network.load(path)
    except ValueError as error:
        return "refused" if str(error).strip() else "refused without a word"
    try:  # `Examination.model` words whatever this raises
        network = adapter.ready(model)
        adapter.forward(network, np.zeros((1, 3, 8, 8), np.float32))
    except Exception:
        return "refused"
    return "whole" if network.operators.graph.node else "read without a network"


def fuzz(tell, suffix, numbers, seed, folder):
    """Read damaged files; `tell` each as number, damage and how it was read."""
    folder = Path(folder)
    content = sound_file(suffix, folder)
    path = folder / f"damaged{suffix}"
    for number in numbers:
        found, damage = damaged(content, random.Random(f"{seed} {number}"))
        path.write_bytes(found)
        tell(number, damage, "reading")
        try:
            how = outcome(path)
        except Exception as error:
            how = f"{type(error).__name__}: {error}"
        if damage == "truncate" and how == "whole" and len(found) < len(content):
            how = "a truncated file was taken as whole"
        tell(number, damage, how)
