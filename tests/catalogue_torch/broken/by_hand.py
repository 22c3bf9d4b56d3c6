"""Mistakes in batch norms that are written as arithmetic."""

import torch

from tests.catalogue_torch.correct.by_hand import NormByHand


class LargeEps(NormByHand):
    EPS = 1e-3


class ForgetfulNorm(NormByHand):
    KEPT = 0.1


class UnbiasedNorm(NormByHand):
    """`var` divides by one less than there are, unless it is told otherwise."""

    def moments(self, x):
        return x.mean((0, 2, 3)), x.var((0, 2, 3))


class MixedColumns(NormByHand):
    """A reshape alone puts other channels' elements into a channel's row."""

    def moments(self, x):
        rows = x.reshape(x.shape[1], -1)
        return rows.mean(1), rows.var(1, unbiased=False)


class ConstantMoments(NormByHand):
    """No gradient passes through the statistics."""

    def moments(self, x):
        with torch.no_grad():
            return super().moments(x)


class AlwaysOfTheBatch(NormByHand):
    def statistics(self, x, key):
        mean, variance = self.moments(x)
        if self.training:
            super().statistics(x, key)
        return mean, variance


def large_eps():
    return LargeEps(20)


def forgetful_norm():
    return ForgetfulNorm(20)


def unbiased_norm():
    return UnbiasedNorm(20)


def mixed_columns():
    return MixedColumns(20)


def constant_moments():
    return ConstantMoments(20)


def always_of_the_batch():
    return AlwaysOfTheBatch(20)
