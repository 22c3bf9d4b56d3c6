"""Layers written as products, sums and comparisons; each is the CIFAR ResNet-20 of `functional`."""

import torch
import torch.nn.functional as F

from tests.catalogue_torch.correct.functional import FunctionalResNet


class ColumnsTimesWeights(FunctionalResNet):
    """A convolution as im2col and a product of matrices."""

    def conv(self, x, key, stride=1, pad=0):
        weight = self.p[f"{key}_w"]
        k = weight.shape[-1]
        height, width = ((size + 2 * pad - k) // stride + 1 for size in x.shape[2:])
        columns = F.unfold(x, k, padding=pad, stride=stride)
        return (weight.flatten(1) @ columns).view(len(x), -1, height, width)


class EinsumOfWindows(FunctionalResNet):
    """A convolution as one sum over its windows, projections as one over channels."""

    def conv(self, x, key, stride=1, pad=0):
        weight = self.p[f"{key}_w"]
        if weight.shape[-1] == 1:
            pixels = x[:, :, ::stride, ::stride].permute(0, 2, 3, 1)
            return F.linear(pixels, weight.flatten(1)).permute(0, 3, 1, 2)
        windows = F.pad(x, (pad,) * 4).unfold(2, 3, stride).unfold(3, 3, stride)
        return torch.einsum("nchwij,ocij->nohw", windows, weight)


class ClassifiedPixels(FunctionalResNet):
    """Every pixel is classified, and the logits are averaged."""

    def head(self, x):
        return F.linear(x.permute(0, 2, 3, 1), self.p["w"], self.p["b"]).mean((1, 2))


class SumOfPixels(FunctionalResNet):
    """One sum over pixels and channels; what it is to be divided by comes last."""

    def head(self, x):
        logits = torch.einsum("nchw,kc->nk", x, self.p["w"])
        return logits / (x.shape[2] * x.shape[3]) + self.p["b"]


class MaskedBlocks(FunctionalResNet):
    """ReLU by a mask, by a choice, by an absolute value."""

    def block(self, x, key, stride):
        y = self.conv_norm(x, f"{key}_a", stride, 1)
        y = torch.where(y > 0, y, 0.0)
        y = self.conv_norm(y * (y > 0), f"{key}_b", 1, 1) + self.shortcut(x, key, stride)
        return (y + y.abs()) / 2


def columns_times_weights():
    return ColumnsTimesWeights(20)


def einsum_of_windows():
    return EinsumOfWindows(20)


def classified_pixels():
    return ClassifiedPixels(20)


def sum_of_pixels():
    return SumOfPixels(20)


def masked_blocks():
    return MaskedBlocks(20)
