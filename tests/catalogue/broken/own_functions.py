"""Mistakes in functions with a backward pass of their own."""

import paddle
from paddle.autograd import PyLayer

from tests.catalogue.correct.own_functions import OwnRelu, Rectified


class GradientEverywhere(OwnRelu):
    @staticmethod
    def backward(ctx, gradient):
        return gradient


class OwnLeakyRelu(PyLayer):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return paddle.maximum(x, 0.01 * x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensor()
        return gradient * paddle.where(x > 0, paddle.ones_like(x), 0.01 * paddle.ones_like(x))


class GradientLet(Rectified):
    relu = GradientEverywhere


class Leaky(Rectified):
    relu = OwnLeakyRelu


def gradient_everywhere():
    return GradientLet(18)


def own_leaky_relu():
    return Leaky(18)
