"""Changes to an ONNX model: how the broken networks of these tests are made of right ones.

The operators of `resnet_ref.onnx` are named after their locations, and so are found by them.
"""

from __future__ import annotations

import numpy as np
from onnx import helper, numpy_helper


def node_of(model, name):
    return next(node for node in model.graph.node if node.name == name)


def tensor_of(model, name):
    return next(tensor for tensor in model.graph.initializer if tensor.name == name)


def set_attributes(model, name, **values):
    node = node_of(model, name)
    kept = [attribute for attribute in node.attribute if attribute.name not in values]
    del node.attribute[:]
    node.attribute.extend(kept)
    node.attribute.extend(helper.make_attribute(key, value) for key, value in values.items())


def set_tensor(model, name, array):
    tensor_of(model, name).CopyFrom(numpy_helper.from_array(array, name))


def add_tensor(model, name, array):
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
    return name


def bypass(model, name):
    """Take an operator out: who read its output reads its first input."""
    node = node_of(model, name)
    redirect(model, node.output[0], node.input[0])
    model.graph.node.remove(node)


def redirect(model, old, new):
    """Let the readers of `old` read `new`."""
    for node in model.graph.node:
        for position, value in enumerate(node.input):
            if value == old:
                node.input[position] = new


def put_after(model, name, kind, *operands, **attributes):
    """Put an operator behind another: it reads that one's output and `operands`."""
    node = node_of(model, name)
    value, made = node.output[0], f"{name} {kind}"
    redirect(model, value, made)
    added = helper.make_node(kind, [value, *operands], [made], name=made, **attributes)
    model.graph.node.insert(list(model.graph.node).index(node) + 1, added)


def replace_kind(model, name, kind, **attributes):
    """Another operator with the same inputs and no other attributes."""
    node = node_of(model, name)
    node.op_type = kind
    del node.attribute[:]
    node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())


def fold(model, kept=()):
    """Work every norm behind a convolution into it, as exporters do, but for those `kept`."""
    tensors = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    makers = {node.output[0]: node for node in model.graph.node}
    for norm in [node for node in model.graph.node if node.op_type == "BatchNormalization"]:
        conv = makers[norm.input[0]]
        readers = [node for node in model.graph.node if conv.output[0] in node.input]
        if conv.op_type != "Conv" or len(readers) != 1 or conv.name in kept:
            continue
        scale, shift, mean, variance = (tensors[name] for name in norm.input[1:])
        eps = helper.get_node_attr_value(norm, "epsilon")
        factor = scale / np.sqrt(variance + eps)
        bias = tensors[conv.input[2]] if len(conv.input) > 2 else 0
        set_tensor(model, conv.input[1], tensors[conv.input[1]] * factor[:, None, None, None])
        name = add_tensor(model, f"{conv.name}, bias", (bias - mean) * factor + shift)
        conv.input.extend([name] if len(conv.input) < 3 else [])
        conv.input[2] = name
        for unused in norm.input[1:]:
            model.graph.initializer.remove(tensor_of(model, unused))
        bypass(model, norm.name)


def write_norms_out(model):
    """Write every norm as ``x * factor + shift``, as TensorFlow does it."""
    tensors = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    for norm in [node for node in model.graph.node if node.op_type == "BatchNormalization"]:
        scale, shift, mean, variance = (tensors[name] for name in norm.input[1:])
        factor = scale / np.sqrt(variance + helper.get_node_attr_value(norm, "epsilon"))
        across = (1, -1, 1, 1)
        factors = add_tensor(model, f"{norm.name} factor", factor.reshape(across))
        shifts = add_tensor(model, f"{norm.name} shift", (shift - mean * factor).reshape(across))
        product = f"{norm.name} product"
        added = [
            helper.make_node("Mul", [norm.input[0], factors], [product], name=product),
            helper.make_node("Add", [product, shifts], [norm.output[0]], name=norm.name),
        ]
        position = list(model.graph.node).index(norm)
        for name in norm.input[1:]:
            model.graph.initializer.remove(tensor_of(model, name))
        model.graph.node.remove(norm)
        for node in reversed(added):
            model.graph.node.insert(position, node)
