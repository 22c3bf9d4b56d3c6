"""Mistakes in batch norms that are written as arithmetic."""

from tests.catalogue.correct.by_hand import NormByHand


class LargeEps(NormByHand):
    EPS = 1e-3


class UnbiasedNorm(NormByHand):
    """`var` divides by one less than there are, unless it is told otherwise."""

    def moments(self, x):
        return x.mean([0, 2, 3]), x.var([0, 2, 3])


def large_eps():
    return LargeEps(18)


def unbiased_norm():
    return UnbiasedNorm(18)
