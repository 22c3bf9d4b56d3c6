"""Batch norms that are missing, misplaced, shared, frozen, or hold the wrong constants."""

import paddle
import paddle.nn as nn
import paddle.nn.functional as F

from tests.catalogue.correct import classic, convbn, functional, loops, timm_like


def norms(net):
    return [layer for layer in net.sublayers() if isinstance(layer, nn.BatchNorm2D)]


class EpsilonEverywhere(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for norm in norms(self):
            norm._epsilon = 1e-3


class LargeEpsilonBlock(timm_like.Bottleneck):
    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.bn2 = nn.BatchNorm2D(planes, epsilon=1e-3)


class PyTorchMomentum(functional.FunctionalResNet):
    """0.1 is what PyTorch calls 0.9 here."""

    def norm(self, x, key):
        _, gamma, beta, mean, variance = (getattr(self, name) for name in self.table[key])
        training = self.training
        return F.batch_norm(x, mean, variance, gamma, beta, training=training, momentum=0.1)


class MomentumBlock(classic.Bottleneck):
    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.bn3 = nn.BatchNorm2D(planes * 4, momentum=0.1)


class NeverUpdated(loops.TableNet):
    """A momentum of 1 keeps the running statistics at their initial values."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for norm in norms(self):
            norm._momentum = 1.0


class CopiedStatistics(functional.FunctionalResNet):
    """Hands copies of the running statistics to batch_norm, which updates the copies."""

    def norm(self, x, key):
        _, gamma, beta, mean, variance = (getattr(self, name) for name in self.table[key])
        return F.batch_norm(x, mean.clone(), variance.clone(), gamma, beta, training=self.training)


class AlwaysBatchStatistics(functional.FunctionalResNet):
    def norm(self, x, key):
        _, gamma, beta, mean, variance = (getattr(self, name) for name in self.table[key])
        return F.batch_norm(x, mean, variance, gamma, beta, training=True)


class BatchStatisticsBlock(classic.BasicBlock):
    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.bn1 = nn.BatchNorm2D(planes, use_global_stats=False)


class FrozenNorms(timm_like.ResNet):
    """Left over from fine-tuning a detector."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for norm in norms(self):
            norm._use_global_stats = True


class FrozenNormBlock(classic.Bottleneck):
    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.bn1 = nn.BatchNorm2D(planes, use_global_stats=True)


class PlainNormBlock(classic.BasicBlock):
    """A norm without scale and shift."""

    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.bn2 = nn.BatchNorm2D(planes, weight_attr=False, bias_attr=False)


class NoShiftBlock(timm_like.Bottleneck):
    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.bn3 = nn.BatchNorm2D(planes * 4, bias_attr=False)


class MissingNormBlock(classic.Bottleneck):
    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.conv2(out))
        out = self.bn3(self.conv3(out))
        return self.relu(out + identity)


class DroppedNormBlock(timm_like.BasicBlock):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.bn1 = nn.Identity()


class DoubledNormBlock(classic.BasicBlock):
    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.bn3 = nn.BatchNorm2D(planes)

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn3(self.bn2(self.conv2(out)))
        return self.relu(out + identity)


class SharedNormBlock(classic.BasicBlock):
    """One norm, made once and used after both convolutions."""

    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        nn.Layer.__init__(self)
        self.conv1 = nn.Conv2D(inplanes, planes, 3, stride=stride, padding=1, bias_attr=False)
        self.conv2 = nn.Conv2D(planes, planes, 3, padding=1, bias_attr=False)
        self.bn = nn.BatchNorm2D(planes)
        self.downsample = downsample

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = F.relu(self.bn(self.conv1(x)))
        out = self.bn(self.conv2(out))
        return F.relu(out + identity)


class WrongNormBlock(classic.Bottleneck):
    """bn2 is there, and bn1 is used in its place."""

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn1(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + identity)


class GroupNormBlock(classic.Bottleneck):
    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.bn1 = nn.GroupNorm(32, planes)


class InstanceNormBlock(timm_like.BasicBlock):
    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.bn2 = nn.InstanceNorm2D(planes)


class ExtraStemNorm(convbn.ResNet):
    """Normalises and activates once more before the pool, as if it were pre-activated."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.extra = nn.BatchNorm(64, act="relu")

    def forward(self, inputs):
        y = self.pool2d_max(self.extra(self.stem(inputs)))
        for block in self.block_list:
            y = block(y)
        y = paddle.flatten(self.pool2d_avg(y), 1)
        return self.out(y)


class StemWithoutNorm(loops.TableNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.entry.pop("scale")


class NormBeforeConv(classic.BasicBlock):
    """Norm, convolution, ReLU: the old order of some papers."""

    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.bn1 = nn.BatchNorm2D(inplanes)

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.conv1(self.bn1(x)))
        out = self.conv2(self.bn2(out))
        return self.relu(out + identity)


def epsilon_everywhere():
    return classic.resnet50(EpsilonEverywhere)


def large_epsilon_block():
    return timm_like.resnet50(special={(3, 2): LargeEpsilonBlock})


def pytorch_momentum():
    return PyTorchMomentum(18)


def momentum_block():
    return classic.resnet50(special={(4, 1): MomentumBlock})


def never_updated():
    return NeverUpdated("r18")


def copied_statistics():
    return CopiedStatistics(18)


def always_batch_statistics():
    return AlwaysBatchStatistics(18)


def batch_statistics_block():
    return classic.resnet34(special={(3, 4): BatchStatisticsBlock})


def frozen_norms():
    return FrozenNorms(timm_like.BasicBlock, [2, 2, 2, 2])


def frozen_norm_block():
    return classic.resnet50(special={(2, 2): FrozenNormBlock})


def plain_norm_block():
    return classic.resnet18(special={(2, 0): PlainNormBlock})


def no_shift_block():
    return timm_like.resnet50(special={(3, 0): NoShiftBlock}, zero_init_last=False)


def missing_norm_block():
    return classic.resnet50(special={(3, 1): MissingNormBlock})


def dropped_norm_block():
    return timm_like.resnet34(special={(4, 1): DroppedNormBlock})


def doubled_norm_block():
    return classic.resnet18(special={(3, 1): DoubledNormBlock})


def shared_norm_block():
    return classic.resnet18(special={(2, 1): SharedNormBlock})


def wrong_norm_block():
    return classic.resnet50(special={(3, 3): WrongNormBlock})


def group_norm_block():
    return classic.resnet50(special={(2, 1): GroupNormBlock})


def instance_norm_block():
    return timm_like.resnet18(special={(4, 1): InstanceNormBlock}, zero_init_last=False)


def extra_stem_norm():
    return ExtraStemNorm(50)


def stem_without_norm():
    return StemWithoutNorm("r34")


def norm_before_conv():
    return classic.resnet18(special={(2, 1): NormBeforeConv})
