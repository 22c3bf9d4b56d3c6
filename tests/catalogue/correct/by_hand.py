"""Batch norms written as arithmetic; the network is the ResNet-18 of `functional`."""

import paddle

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


def norm_by_hand():
    return NormByHand(18)
