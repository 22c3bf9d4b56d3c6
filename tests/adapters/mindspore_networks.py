"""Small networks for the tests of MindSpore's adapter."""

from mindspore import nn

from resnet_verify.adapters.mindspore import ADAPTER
from resnet_verify.graph import Constant, Input
from resnet_verify.graph import Parameter as Held

SHAPE = (2, 8, 9, 6)


class Net(nn.Cell):
    """What `function` makes of an image."""

    def __init__(self, function, **cells):
        super().__init__()
        self.function = function
        for name, cell in cells.items():
            setattr(self, name, cell)

    def construct(self, x):
        return self.function(x)


def captured(function, training=True, shape=SHAPE, **cells):
    return ADAPTER.capture(Net(function, **cells), shape, training)


def operators(capture):
    """What the operators do that the output comes from, sources left out."""
    graph = capture.graph
    used = graph.reachable(graph.outputs)
    made = [node.op for node in graph.nodes if node.output in used]
    return [op for op in made if not isinstance(op, Input | Held | Constant)]
