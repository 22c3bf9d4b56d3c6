"""Batch norms written as arithmetic."""

import paddle
import paddle.nn as nn

from tests.catalogue.correct import classic
from tests.catalogue.correct.functional import FunctionalResNet


def per_channel(number):
    return number.reshape([1, -1, 1, 1])


class NormByHand(FunctionalResNet):
    """Paddle's own keep the variance as it is measured, and so do these."""

    EPS = 1e-5
    KEPT = 0.9

    def norm(self, x, key):
        _, gamma, beta, mean, variance = (getattr(self, name) for name in self.table[key])
        if self.training:
            mean, variance = self.moved(x, mean, variance)
        x = (x - per_channel(mean)) / paddle.sqrt(per_channel(variance) + self.EPS)
        return per_channel(gamma) * x + per_channel(beta)

    def moved(self, x, running_mean, running_variance):
        mean, variance = self.moments(x)
        with paddle.no_grad():
            for running, number in ((running_mean, mean), (running_variance, variance)):
                paddle.assign(self.KEPT * running + (1 - self.KEPT) * number, running)
        return mean, variance

    def moments(self, x):
        return x.mean([0, 2, 3]), x.var([0, 2, 3], unbiased=False)


class NormByColumns(NormByHand):
    """All elements of a channel in one row first."""

    def moments(self, x):
        columns = x.transpose([1, 0, 2, 3]).reshape([x.shape[1], -1])
        mean = columns.mean(1)
        return mean, ((columns - mean.unsqueeze(1)) ** 2).mean(1)


class NormInRows(NormByHand):
    """(N, C, pixels), averaged axis by axis and normalised there."""

    def norm(self, x, key):
        _, gamma, beta, mean, variance = (getattr(self, name) for name in self.table[key])
        if self.training:
            mean, variance = self.moved(x, mean, variance)
        rows = x.flatten(2)
        rows = (rows - mean.unsqueeze(1)) / paddle.sqrt(variance + self.EPS).unsqueeze(1)
        return (rows * gamma.unsqueeze(1) + beta.unsqueeze(1)).reshape(x.shape)

    def moments(self, x):
        rows = x.flatten(2)
        mean = rows.mean(0).mean(-1)
        return mean, (rows * rows).mean(0).mean(-1) - mean * mean


class NormLayer(nn.Layer):
    """As in Dive into Deep Learning: the statistics are other tensors after each pass."""

    def __init__(self, channels):
        super().__init__()
        shape = [1, channels, 1, 1]
        one = nn.initializer.Constant(1.0)
        self.gamma = self.create_parameter(shape, default_initializer=one)
        self.beta = self.create_parameter(shape, is_bias=True)
        self.make_statistics(shape)

    def make_statistics(self, shape):
        self.register_buffer("moving_mean", paddle.zeros(shape))
        self.register_buffer("moving_var", paddle.ones(shape))

    def forward(self, x):
        mean, var = self.moving_mean, self.moving_var
        if self.training:
            mean = x.mean([0, 2, 3], keepdim=True)
            var = ((x - mean) ** 2).mean([0, 2, 3], keepdim=True)
            with paddle.no_grad():
                self.keep(0.9 * self.moving_mean + 0.1 * mean, 0.9 * self.moving_var + 0.1 * var)
        return self.gamma * ((x - mean) / (var + 1e-5) ** 0.5) + self.beta

    def keep(self, mean, var):
        self.moving_mean = mean
        self.moving_var = var


class SettingNormLayer(NormLayer):
    def keep(self, mean, var):
        self.moving_mean.set_value(mean)
        self.moving_var.set_value(var)


def with_norms(make):
    """A ResNet-18 of `classic` with other norms."""
    net = classic.resnet18()
    for layer in net.sublayers(include_self=True):
        for name, part in list(layer.named_children()):
            if isinstance(part, nn.BatchNorm2D):
                layer.add_sublayer(name, make(part.weight.shape[0]))
    return net


def norm_by_hand():
    return NormByHand(18)


def norm_by_columns():
    return NormByColumns(18)


def norm_in_rows():
    return NormInRows(18)


def rebound_statistics():
    return with_norms(NormLayer)


def set_statistics():
    return with_norms(SettingNormLayer)
