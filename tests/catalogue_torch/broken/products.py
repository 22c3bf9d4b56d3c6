"""Mistakes in layers written as products, and two that hide behind what looks like nothing."""

import torch
import torch.nn.functional as F

from tests.catalogue_torch.correct.functional import FunctionalResNet, KernelsLast
from tests.catalogue_torch.correct.products import ColumnsTimesWeights


class WeightsInAnotherOrder(ColumnsTimesWeights):
    """The columns hold one channel's window after another's; these weights do not."""

    def conv(self, x, key, stride=1, pad=0):
        if key != "2_1_b":
            return super().conv(x, key, stride, pad)
        weight = self.p[f"{key}_w"].permute(0, 2, 3, 1).flatten(1)
        return (weight @ F.unfold(x, 3, padding=pad)).view_as(x)


class LargestOfSmallColumns(FunctionalResNet):
    """Windows of 2x2 where 3x3 are meant."""

    def stem(self, x):
        x = F.relu(self.conv_norm(x, "stem", 2, 3))
        columns = F.unfold(x, 2, stride=2).view(*x.shape[:2], 4, -1)
        return columns.amax(2).view(*x.shape[:2], *(n // 2 for n in x.shape[2:]))


class RowsForColumns(KernelsLast):
    def conv(self, x, key, stride=1, pad=0):
        if key != "2_1_b":
            return super().conv(x, key, stride, pad)
        return F.conv2d(x, self.p[f"{key}_w"].permute(3, 2, 1, 0), None, stride, pad)


class MaskAboveAHalf(FunctionalResNet):
    def block(self, x, key, stride):
        if key != "3_1":
            return super().block(x, key, stride)
        y = self.branch(x, key, stride) + self.shortcut(x, key, stride)
        return y * (y > 0.5)


class CopiedShortcut(FunctionalResNet):
    def shortcut(self, x, key, stride):
        if key != "2_1":
            return super().shortcut(x, key, stride)
        with torch.no_grad():
            return x.clone()


class LargeBatchesScaled(FunctionalResNet):
    def pool(self, x):
        return super().pool(x) * (1.1 if len(x) > 4 else 1.0)


def largest_of_small_columns():
    return LargestOfSmallColumns(18)


def weights_in_another_order():
    return WeightsInAnotherOrder(20)


def rows_for_columns():
    return RowsForColumns(20)


def mask_above_a_half():
    return MaskAboveAHalf(20)


def copied_shortcut():
    return CopiedShortcut(20)


def large_batches_scaled():
    return LargeBatchesScaled(20)
