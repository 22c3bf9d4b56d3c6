"""Graphs made from forms, with no framework, and single mistakes planted in them."""

from __future__ import annotations

from dataclasses import replace

from resnet_ref.layers import BatchNorm, Conv, Linear, SqueezeExcite
from resnet_ref.places import slots
from resnet_verify.form import form_of
from resnet_verify.graph import Graph, Input, Node, Param, Parameter

IMAGE = 0


def graph_of(spec, training=True):
    """The graph that a faultless implementation of `spec` would be captured as."""
    form = form_of(spec)
    nodes = [Node(Input(), (), IMAGE)]
    value_at, fresh = {-1: IMAGE}, iter(range(1, 10**6))
    registered = []
    for position, place in enumerate(form.places):
        held = []
        op = place.op
        if isinstance(op, BatchNorm):
            op = replace(op, statistics="batch" if training else "running")
        for slot in slots(op) if isinstance(op, (BatchNorm, Conv, Linear, SqueezeExcite)) else ():
            name = f"{place.where}, {slot.role}"
            param = Param(name, name, slot.shape, slot.trainable)
            registered.append(param)
            held.append((slot.role, next(fresh)))
            nodes.append(Node(Parameter(param), (), held[-1][1]))
        order = ("mean", "variance", "weight", "bias")
        if isinstance(op, BatchNorm):
            held.sort(key=lambda pair: order.index(pair[0]))
        value_at[position] = next(fresh)
        inputs = tuple(value_at[source] for source in place.inputs)
        inputs += tuple(value for _, value in held)
        nodes.append(Node(op, inputs, value_at[position], origin=place.where))
    outputs = (value_at[len(form.places) - 1],)
    return Graph(tuple(nodes), outputs, {}, {}, training, tuple(registered))


def edited(graph, output, **changes):
    """The graph with the node that makes `output` changed."""
    nodes = [replace(n, **changes) if n.output == output else n for n in graph.nodes]
    return replace(graph, nodes=tuple(nodes))


def without(graph, output):
    """The graph with the node that makes `output` taken out, its first input put in its place."""
    source = graph.producers[output].inputs[0]
    nodes = [
        replace(n, inputs=tuple(source if value == output else value for value in n.inputs))
        for n in graph.nodes
        if n.output != output
    ]
    outputs = tuple(source if value == output else value for value in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


def with_after(graph, output, op):
    """The graph with `op` put in behind the node that makes `output`."""
    new = 10**7
    nodes = []
    for node in graph.nodes:
        inputs = tuple(new if value == output else value for value in node.inputs)
        nodes.append(replace(node, inputs=inputs))
        if node.output == output:
            nodes.append(Node(op, (output,), new))
    outputs = tuple(new if value == output else value for value in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


def nodes_of(graph, kind):
    """The operators of one kind, in order."""
    return [node for node in graph.nodes if isinstance(node.op, kind)]
