"""A framework that nobody has, of NumPy layers, and its adapter, as a third party writes it.

`docs/adapters.md` explains it. The layers are those of the oracle, which knows their gradients.
"""

import random
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from zipfile import BadZipFile

import numpy as np

from resnet_ref.layers import Add, BatchNorm, Dropout, Flatten
from resnet_ref.oracle_layers import Step as LayerStep
from resnet_ref.oracle_layers import step
from resnet_ref.places import places, slots
from resnet_ref.spec import spec
from resnet_verify.adapters import CaptureError, Step
from resnet_verify.form import form_of
from resnet_verify.graph import Graph, Input, Node, Param, Parameter

ORDER = ("mean", "variance", "weight", "bias")


@dataclass
class OracleNet:
    """Layers wired as places are, and their tensors by (location, role)."""

    places: tuple
    tensors: dict
    training: bool = True
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def run(self, image):
        """(values by position, gradient functions by position); position -1 is the image."""
        values, pulls, updates = {-1: image}, {}, {}
        for position, place in enumerate(self.places):
            inputs = [values[source] for source in place.inputs]
            done = self._layer(place, inputs)
            values[position], pulls[position] = done.output, done.pull
            updates |= {(place.where, role): array for role, array in done.updates.items()}
        self.tensors |= updates
        return values, pulls

    def _layer(self, place, inputs):
        if isinstance(place.op, Add):
            return LayerStep(inputs[0] + inputs[1], lambda dy: (dy, {}))
        if isinstance(place.op, Dropout):
            kept = self.rng.random(inputs[0].shape) >= place.op.p * self.training
            scale = kept / (1 - place.op.p * self.training)
            return LayerStep(inputs[0] * scale, lambda dy: (dy * scale, {}))
        flat = [x.reshape(len(x), -1) if type(place.op).__name__ == "Linear" else x for x in inputs]
        held = {slot.role: self.tensors[place.where, slot.role] for slot in slots(place.op)}
        done = step(place.op, held, flat[0], training=self.training)
        return replace(done, pull=lambda dy: _reshaped(done.pull(dy), inputs[0].shape))

    def backward(self, pulls, cotangent):
        """Gradient by the image, and by the tensors."""
        gradients, flowing = {}, {len(self.places) - 1: cotangent}
        for position in reversed(range(len(self.places))):
            place = self.places[position]
            dx, found = pulls[position](flowing[position])
            gradients |= {(place.where, role): array for role, array in found.items()}
            for source in place.inputs:
                flowing[source] = flowing.get(source, 0) + dx
        return flowing[-1], gradients


def _reshaped(pulled, shape):
    dx, gradients = pulled
    return dx.reshape(shape), gradients


def net(network):
    """A network of a layout, every weight one and every shift zero."""
    from resnet_verify.form import Form, _places

    form = Form(spec(), network, tuple(_places(network)))
    held = [(where, slot) for where, layer in places(network) if not isinstance(layer, Flatten)
            for slot in slots(layer)]  # fmt: skip
    ones = ("weight", "variance")
    tensors = {
        (where, slot.role): np.full(slot.shape, float(slot.role in ones)) for where, slot in held
    }
    return OracleNet(form.places, tensors)


def resnet20():
    """A target for the command line."""
    return net(form_of(spec("resnet20", "cifar-b")).network)


class OracleAdapter:
    name = "oracle"
    version = "1.0"
    trains = True
    weights_suffix = ".npz"
    linear_out_first = False

    def owns(self, model):
        return isinstance(model, OracleNet)

    def ready(self, model):
        return model

    @contextmanager
    def preserved(self):
        python, numpy_state = random.getstate(), np.random.get_state()
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy_state)

    def gpu_problem(self):
        return "NumPy computes on the CPU"

    def use_device(self, device):
        pass

    def tensor(self, array):
        return array

    def seed(self, seed):
        self._seed = seed

    def set_training(self, model, training):
        model.training = training

    def dtype(self, model):
        return "float32"

    def declared_shape(self, model):
        return None

    def capture(self, model, shape, training):
        if len(shape) != 4 or shape[1] != model.places[0].op.in_channels:
            raise CaptureError(f"no image: {shape}")
        self.set_training(model, training)
        return OracleCapture(model, _graph(model, shape, training))

    def params(self, model):
        return tuple(
            Param(_key(key), ".".join(key), array.shape, key[1] not in ("mean", "variance"))
            for key, array in model.tensors.items()
        )

    def read(self, model, capture, keys):
        arrays = {_key(key): array for key, array in model.tensors.items()}
        return {key: arrays[key].astype("float32") for key in keys}

    def write(self, model, capture, arrays):
        by_key = {_key(key): key for key in model.tensors}
        model.tensors |= {by_key[key]: np.float64(array) for key, array in arrays.items()}

    def forward(self, model, batch):
        model.rng = np.random.default_rng(getattr(self, "_seed", 0))
        values, _ = model.run(batch)
        return (values[len(model.places) - 1].astype("float32"),)

    def layouts(self, batch):
        return {}

    def copies(self):
        return {}

    def mixed(self):
        return {}

    def keeps_input(self, model, batch):
        image = batch.copy()
        self.forward(model, image)
        return np.array_equal(image, batch)

    def step(self, model, batch, cotangent, output, earlier=()):
        summed = {}
        for images in (*earlier, batch):
            values, pulls = model.run(images)
            by_image, gradients = model.backward(pulls, cotangent)
            summed = {key: summed.get(key, 0.0) + array for key, array in gradients.items()}
        final = values[len(model.places) - 1]
        return Step((final,), {_key(k): array for k, array in summed.items()}, by_image)

    def descend(self, model, steps, cotangent, output, method, rate):
        raise NotImplementedError("the oracle has no optimisers")

    def build(self, network, dtype):
        return net(network)

    def place_keys(self, reference):
        return {key: _key(key) for key in reference.tensors}

    def modes(self, model):
        return [model.training]

    def set_modes(self, model, modes):
        (model.training,) = modes

    def state(self, model):
        return {_key(key): array for key, array in model.tensors.items()}

    def load_state(self, model, state):
        self.write(model, None, state)

    def read_weights(self, path):
        try:
            with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as archive:
                if not isinstance(archive, Mapping):
                    raise ValueError(f"{path} holds one array, not named ones")
                return dict(archive)
        except (OSError, EOFError, ValueError, BadZipFile) as error:
            raise ValueError(f"{path} holds no named arrays") from error

    def write_weights(self, model, path):
        np.savez(path, **self.state(model))


class OracleCapture:
    def __init__(self, model, graph):
        self.model, self.graph = model, graph

    def run(self, batch, values):
        self.model.training = self.graph.training
        held = dict(self.model.tensors)
        found, _ = self.model.run(batch)
        self.model.tensors = held
        return [found[value - 1] for value in values]


def _key(key):
    return " | ".join(key)


def _graph(model, shape, training):
    """Value 0 is the image, value n + 1 the output of place n; tensors come behind."""
    held = dict(model.tensors)
    values, _ = model.run(np.random.default_rng(0).standard_normal(shape))
    model.tensors = held
    nodes, shapes = [Node(Input(), (), 0)], {n + 1: array.shape for n, array in values.items()}
    params = {param.key: param for param in ADAPTER.params(model)}
    for position, place in enumerate(model.places):
        op, inputs = place.op, [source + 1 for source in place.inputs]
        roles = sorted((s.role for s in slots(op)), key=ORDER.index) if slots(op) else []
        if isinstance(op, BatchNorm):
            op = replace(op, statistics="batch" if training else "running")
        else:
            roles = [slot.role for slot in slots(op)]
        for role in roles:
            value, param = len(shapes) + 10**6, params[_key((place.where, role))]
            nodes.append(Node(Parameter(param), (), value))
            shapes[value] = param.shape
            inputs.append(value)
        if isinstance(op, Dropout) and not training:
            op = Dropout(0.0)
        nodes.append(Node(op, tuple(inputs), position + 1))
    return Graph(tuple(nodes), (len(model.places),), shapes, {}, training, tuple(params.values()))


ADAPTER = OracleAdapter()
