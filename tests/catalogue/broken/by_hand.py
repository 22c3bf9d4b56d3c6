"""Mistakes in batch norms that are written as arithmetic."""

import paddle

from tests.catalogue.correct.by_hand import NormByHand, NormLayer, with_norms


class LargeEps(NormByHand):
    EPS = 1e-3


class UnbiasedNorm(NormByHand):
    """`var` divides by one less than there are, unless it is told otherwise."""

    def moments(self, x):
        return x.mean([0, 2, 3]), x.var([0, 2, 3])


class MixedColumns(NormByHand):
    """A reshape alone puts other channels' elements into a channel's row."""

    def moments(self, x):
        rows = x.reshape([x.shape[1], -1])
        mean = rows.mean(1)
        return mean, ((rows - mean.unsqueeze(1)) ** 2).mean(1)


class UnsavedStatistics(NormLayer):
    """Tensors as plain attributes are no part of what Paddle saves."""

    def make_statistics(self, shape):
        self.moving_mean = paddle.zeros(shape)
        self.moving_var = paddle.ones(shape)


def large_eps():
    return LargeEps(18)


def unbiased_norm():
    return UnbiasedNorm(18)


def mixed_columns():
    return MixedColumns(18)


def unsaved_statistics():
    return with_norms(UnsavedStatistics)
