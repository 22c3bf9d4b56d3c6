"""Batch norms written as arithmetic; each network is the CIFAR ResNet-20 of `functional`."""

import torch

from tests.catalogue_torch.correct.functional import FunctionalResNet


def per_channel(number):
    return number.view(1, -1, 1, 1)


class NormByHand(FunctionalResNet):
    """Running statistics are moved in place, as in most code for teaching."""

    EPS = 1e-5
    KEPT = 0.9

    def norm(self, x, key):
        mean, variance = self.statistics(x, key)
        x = (x - per_channel(mean)) / torch.sqrt(per_channel(variance) + self.EPS)
        return per_channel(self.p[f"{key}_g"]) * x + per_channel(self.p[f"{key}_s"])

    def statistics(self, x, key):
        if not self.training:
            return getattr(self, f"{key}_mean"), getattr(self, f"{key}_var")
        mean, variance = self.moments(x)
        pixels = x.numel() / x.shape[1]
        with torch.no_grad():
            self.move(f"{key}_mean", mean)
            self.move(f"{key}_var", variance * pixels / (pixels - 1))
        return mean, variance

    def moments(self, x):
        return x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)

    def move(self, name, number):
        getattr(self, name).mul_(self.KEPT).add_(number, alpha=1 - self.KEPT)


class NormByMoments(NormByHand):
    """A scale and a shift made first, from mean and mean square; buffers are made anew."""

    def norm(self, x, key):
        mean, variance = self.statistics(x, key)
        scale = self.p[f"{key}_g"] * (variance + self.EPS) ** -0.5
        return torch.addcmul(per_channel(self.p[f"{key}_s"] - mean * scale), x, per_channel(scale))

    def moments(self, x):
        mean = x.mean(dim=(0, 2, 3))
        return mean, (x * x).mean(dim=(0, 2, 3)) - mean.square()

    def move(self, name, number):
        setattr(self, name, self.KEPT * getattr(self, name) + (1 - self.KEPT) * number)


class NormByColumns(NormByHand):
    """All elements of a channel in one row first."""

    def moments(self, x):
        columns = x.transpose(0, 1).reshape(x.shape[1], -1)
        return columns.mean(1), columns.var(1, unbiased=False)


class NormAxisByAxis(NormByHand):
    def moments(self, x):
        mean = self.mean(x)
        return mean, self.mean((x - per_channel(mean)) ** 2)

    def mean(self, x):
        return x.mean(0).mean(-1).mean(-1)


class NormInRows(NormByHand):
    """As in synchronised norms: (N, C, pixels), normalised there."""

    def norm(self, x, key):
        mean, variance = self.statistics(x, key)
        rows = x.view(*x.shape[:2], -1)
        rows = (rows - mean[:, None]) * (variance + self.EPS).rsqrt()[:, None]
        rows = rows * self.p[f"{key}_g"][:, None] + self.p[f"{key}_s"][:, None]
        return rows.view_as(x)

    def moments(self, x):
        rows, pixels = x.flatten(2), x.numel() / x.shape[1]
        mean = rows.sum(0).sum(-1) / pixels
        return mean, (rows**2).sum(0).sum(-1) / pixels - mean**2


class NormByVarMean(NormByHand):
    def moments(self, x):
        variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
        return mean, variance


def norm_by_hand():
    return NormByHand(20)


def norm_by_moments():
    return NormByMoments(20)


def norm_by_columns():
    return NormByColumns(20)


def norm_axis_by_axis():
    return NormAxisByAxis(20)


def norm_in_rows():
    return NormInRows(20)


def norm_by_var_mean():
    return NormByVarMean(20)
