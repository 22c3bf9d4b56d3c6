"""A recorded forward pass of PyTorch in the words of `resnet_verify.graph`."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from resnet_verify.adapters.torch_arithmetic import ARITHMETIC, MOMENTS
from resnet_verify.adapters.torch_functions import FUNCTIONS
from resnet_verify.adapters.torch_layers import LAYERS
from resnet_verify.adapters.torch_layout import LAYOUT, PARTS
from resnet_verify.adapters.torch_reading import Reading
from resnet_verify.adapters.torch_recording import Recorder
from resnet_verify.graph import Graph, Param

OPERATORS = {**LAYERS, **FUNCTIONS, **ARITHMETIC, **LAYOUT}
SEVERAL = {**MOMENTS, **PARTS}


def to_graph(
    recorder: Recorder,
    image: torch.Tensor,
    outputs: Sequence[torch.Tensor],
    registered: Sequence[tuple[Param, torch.Tensor]],
    training: bool,
) -> tuple[Graph, dict[int, int], dict[str, torch.Tensor]]:
    """The graph of a recorded forward pass of `image`.

    A parameter may be `registered` with two tensors: the one that it was before the pass, and
    the one that it was made anew as.

    Returns:
        The graph; for each of its values the position of the call that makes it; and the
        tensors that are used, registered or not, by `Param.key`.
    """
    reading = Reading(recorder, OPERATORS, SEVERAL)
    results = tuple(recorder.value(tensor).number for tensor in outputs)
    reading.sources(image, registered)
    calls = list(recorder.calls())
    read = {value for call in calls for value in call.inputs}
    for call in calls:
        # Autograd detaches what it saves for the backward pass, and nobody reads that forwards.
        if call.name != "detach" or call.outputs[0] in read or call.outputs[0].number in results:
            reading.call(call)
    params = tuple(dict.fromkeys(param for param, _ in registered))
    graph = Graph(tuple(reading.nodes), results, reading.shapes, reading.dtypes, training, params)
    positions = {call.outputs[0].number: position for position, call in enumerate(calls)}
    return graph, positions, reading.tensors
