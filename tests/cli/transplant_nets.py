"""Networks that are quick to build and run, in as many styles as transplants are tried with."""

import os
import time
from pathlib import Path

import numpy as np
import paddle

from resnet_ref import paddle as reference
from resnet_ref.spec import spec
from tests.catalogue.correct import cifar


def randomised(model):
    """None of its tensors at its initial value."""
    draw = np.random.default_rng(0)
    for name, tensor in model.state_dict().items():
        if name.endswith("_variance"):
            drawn = draw.uniform(0.5, 1.5, tensor.shape)
        else:
            drawn = draw.normal(0, 0.3 if len(tensor.shape) == 1 else 0.1, tensor.shape)
        tensor.set_value(drawn.astype(np.array(tensor).dtype))
    return model


def ref(variant="cifar-b", **form):
    return randomised(reference.build(spec("resnet20", variant, **form)))


def other():
    return cifar.resnet20_b()


def with_zeros_behind():
    return cifar.resnet20_pad_at_the_end()


def double():
    return randomised(reference.build(spec("resnet20", "cifar-b")).to(dtype="float64"))


class Wrapper(paddle.nn.Layer):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x)


class Last(Wrapper):
    """Takes images with channels last."""

    def forward(self, x):
        return self.net(x.transpose([0, 3, 1, 2]))


class Hidden(Wrapper):
    """Does not register what it holds."""

    def __init__(self, net):
        super().__init__([net])

    def forward(self, x):
        return self.net[0](x)


def hidden():
    return Hidden(other())


def with_unused_layer():
    model = other()
    model.auxiliary = paddle.nn.Linear(4, 4)
    return model


def in_another_style():
    """Images with channels last; a convolution for the linear layer."""
    model = other()
    model.linear = paddle.nn.Sequential(
        paddle.nn.Unflatten(1, [64, 1, 1]), paddle.nn.Conv2D(64, 10, 1), paddle.nn.Flatten()
    )
    return Last(model)


def frozen():
    model = ref()
    for tensor in model.parameters():
        tensor.stop_gradient = True
    return model


def without_a_relu():
    model = ref()
    model.stem[2] = paddle.nn.Identity()
    return model


def infinite():
    model = ref()
    model.head[2].bias.set_value(np.full([10], np.inf, "float32"))
    return model


def dies():
    os._exit(3)


def waits():
    Path("waiting").touch()
    time.sleep(60)
