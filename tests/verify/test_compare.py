"""Every documented form is recognised as itself; any single mistake planted in one is named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from resnet_ref.architectures import ARCHITECTURES
from resnet_ref.layers import Add, BatchNorm, Conv, MaxPool, Relu
from resnet_ref.spec import documented_forms, spec
from resnet_ref.variants import variants_of
from resnet_verify.compare import differences
from resnet_verify.form import block_of
from resnet_verify.graph import Activation, Detach, Other, Scale
from resnet_verify.match import in_canonical_order
from resnet_verify.recognise import recognise as recognise_canonical
from tests.verify.graphs import edited, graph_of, nodes_of, with_after, without


def recognise(graph, *asked):
    return recognise_canonical(in_canonical_order(graph), *asked)


FORMS = [
    (arch, name)
    for arch in ("resnet18", "resnet50", "resnet20")
    for name in dict.fromkeys(variant.name for variant in variants_of(arch))
] + [(arch, None) for arch in ARCHITECTURES]
# Shrinking a failure would try hundreds of alignments.
SOME = settings(
    max_examples=8, derandomize=True, database=None, deadline=None, phases=(Phase.generate,)
)
small_forms = st.sampled_from(
    [form for arch in ("resnet18", "resnet50") for form in documented_forms(arch, 1000, 3)]
)


@pytest.mark.parametrize(("arch", "variant"), FORMS)
def test_a_form_is_recognised_as_itself(arch, variant):
    wanted = spec(arch, variant, num_classes=17)
    match = recognise(graph_of(wanted, training=variant is None))
    assert match.form.spec == wanted
    assert differences(match) == []


@SOME
@given(small_forms)
def test_stems_and_output_strides_are_recognised(wanted):
    match = recognise(graph_of(wanted))
    assert differences(match) == []
    assert replace(match.form.spec, head=wanted.head) == wanted


def first_difference(graph):
    return differences(recognise(graph))[0]


def planted(data, graph, kind, keep=lambda node: True):
    candidates = [node for node in nodes_of(graph, kind) if keep(node)]
    return data.draw(st.sampled_from(candidates), label="node")


CHANGES = {
    "stride": (Conv, lambda op: replace(op, stride=(3, 3))),
    "padding": (Conv, lambda op: replace(op, padding=(0, 1, 0, 1))),
    "kernel": (Conv, lambda op: replace(op, kernel=(op.kernel[0] + 2, op.kernel[1] + 2))),
    "groups": (Conv, lambda op: replace(op, groups=op.groups * 2)),
    "dilation": (Conv, lambda op: replace(op, dilation=(5, 5))),
    "bias": (Conv, lambda op: replace(op, bias=not op.bias)),
    "eps": (BatchNorm, lambda op: replace(op, eps=1e-3)),
    "momentum": (BatchNorm, lambda op: replace(op, momentum=0.1)),
    "affine": (BatchNorm, lambda op: replace(op, affine=False)),
    "statistics": (BatchNorm, lambda op: replace(op, statistics="running")),
    "activation": (Relu, lambda op: Activation("leaky_relu")),
}


@pytest.mark.parametrize("aspect", CHANGES)
@SOME
@given(wanted=small_forms, data=st.data())
def test_a_changed_attribute_is_named_with_its_place(aspect, wanted, data):
    kind, change = CHANGES[aspect]
    graph = graph_of(wanted)
    node = planted(data, graph, kind)
    found = differences(recognise(edited(graph, node.output, op=change(node.op))))
    assert (found[0].aspect, found[0].where) == (aspect, node.origin)
    assert len(found) == 1


@SOME
@given(wanted=small_forms, data=st.data())
def test_a_missing_operator_is_named_with_its_block(wanted, data):
    graph = graph_of(wanted)
    node = planted(data, graph, (Relu, BatchNorm))
    found = first_difference(without(graph, node.output))
    assert found.aspect in ("activation", "norm")
    assert block_of(found.where) == block_of(node.origin)


@SOME
@given(wanted=small_forms, data=st.data())
def test_an_operator_too_many_is_named_with_its_block(wanted, data):
    graph = graph_of(wanted)
    node = planted(data, graph, (Conv, BatchNorm, Add, MaxPool))
    found = first_difference(with_after(graph, node.output, Scale(0.5)))
    assert found.aspect == "operator"
    assert "0.5" in found.found
    assert found.where.split(", ")[0] == node.origin.split(", ")[0]


@SOME
@given(wanted=small_forms, data=st.data())
def test_a_block_added_to_itself_is_named(wanted, data):
    graph = graph_of(wanted)
    node = planted(data, graph, Add)
    broken = edited(graph, node.output, inputs=(node.inputs[0], node.inputs[0]))
    found = first_difference(broken)
    assert found.where.split(", ")[:2] == node.origin.split(", ")[:2]
    assert found.aspect in ("addition", "projection", "unused")


@SOME
@given(wanted=small_forms, data=st.data())
def test_a_bypassed_block_is_named(wanted, data):
    graph = graph_of(replace(wanted, preactivation=False, stem_norm=True))
    node = planted(data, graph, Add, lambda n: len(set(n.inputs)) == 2)
    entering = node.inputs[1]
    users = [n for n in graph.nodes if node.output in n.inputs]
    broken = graph
    for user in users:
        inputs = tuple(entering if value == node.output else value for value in user.inputs)
        broken = edited(broken, user.output, inputs=inputs)
    assert differences(recognise(broken)) != []


@pytest.mark.parametrize("op", [Detach(), Other("flip"), Activation("gelu")], ids=str)
def test_what_no_form_has_is_named(op):
    graph = graph_of(spec("resnet50"))
    block = nodes_of(graph, Add)[5]
    found = first_difference(with_after(graph, block.inputs[1], op))
    assert found.where.startswith("stage 2, block")


def test_a_shared_parameter_is_named_with_both_places():
    graph = graph_of(spec("resnet50"))
    first, second = nodes_of(graph, BatchNorm)[4], nodes_of(graph, BatchNorm)[9]
    shared = edited(graph, second.output, inputs=(second.inputs[0], *first.inputs[1:]))
    found = differences(recognise(shared))
    assert found[0].aspect in ("sharing", "width", "norm")
    assert any(d.aspect == "sharing" and first.origin in d.message for d in found)


def test_another_variant_is_a_difference_only_where_one_was_asked_for():
    graph = graph_of(spec("resnet50", "v1"))
    assert differences(recognise(graph)) == []
    asked = differences(recognise(graph, "resnet50", "v1.5"))
    assert asked[0].aspect == "stride"
    assert asked[0].where == "stage 2, block 0, branch, conv 0"


@pytest.mark.parametrize("count", [1, 2])
def test_missing_blocks_are_counted(count):
    deep, shallow = spec("resnet50"), spec("resnet50")
    graph = graph_of(replace(shallow, depths=(3, 4, 6 - count, 3)))
    found = differences(recognise(graph, deep.arch))
    assert [d.aspect for d in found] == ["blocks"]
    assert f"stage 3 has {6 - count} block" in found[0].message


def test_a_plain_network_is_no_resnet():
    graph = graph_of(spec("resnet18"))
    for node in nodes_of(graph, (Add, BatchNorm)):
        graph = without(graph, node.output)
    found = differences(recognise(graph))
    assert found[0].aspect in ("form", "addition")
