"""Functions with a backward pass of their own, layers made at the first call, other orders."""

import paddle
import paddle.nn as nn
import paddle.nn.functional as F
from paddle.autograd import PyLayer

from tests.catalogue.correct import classic
from tests.catalogue.correct.by_hand import NormByHand
from tests.catalogue.correct.functional import FunctionalResNet


class OwnRelu(PyLayer):
    @staticmethod
    def forward(ctx, x):
        y = paddle.clip(x, min=0.0)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gradient):
        (y,) = ctx.saved_tensor()
        return gradient * (y > 0).astype(gradient.dtype)


class Rectified(FunctionalResNet):
    """Blocks that end in a ReLU of their own."""

    relu = OwnRelu

    def block(self, x, place, stride):
        y = self.branch(x, place, stride) + self.shortcut(x, place, stride)
        return self.relu.apply(y)


class MadeAtFirstCall(nn.Layer):
    def __init__(self):
        super().__init__()
        self.body = None

    def forward(self, x):
        if self.body is None:
            self.body = classic.resnet18()
            if not self.training:
                self.body.eval()
        return self.body(x)


class PoolBeforeRelu(FunctionalResNet):
    """The largest of what is rectified is the largest, rectified."""

    def stem(self, x):
        return F.relu(F.max_pool2d(self.conv_norm(x, "stem", 2, 3), 3, 2, 1))


class EinsumHead(FunctionalResNet):
    def head(self, x):
        return paddle.einsum("nchw,ck->nk", x, self.w) / (x.shape[2] * x.shape[3]) + self.b


class NormBySums(NormByHand):
    def moments(self, x):
        pixels = x.shape[0] * x.shape[2] * x.shape[3]
        mean = x.sum([0, 2, 3]) / pixels
        return mean, (x * x).sum([0, 2, 3]) / pixels - mean**2


class LeakyByNothing(FunctionalResNet):
    def block(self, x, place, stride):
        return F.leaky_relu(self.branch(x, place, stride) + self.shortcut(x, place, stride), 0.0)


def own_relu():
    return Rectified(18)


def made_at_first_call():
    return MadeAtFirstCall()


def pool_before_relu():
    return PoolBeforeRelu(18)


def einsum_of_the_map():
    return EinsumHead(18)


def norm_by_sums():
    return NormBySums(18)


def leaky_by_nothing():
    return LeakyByNothing(18)
