"""Projections that are missing, superfluous, or not a strided 1x1 convolution and a norm."""

import paddle
import paddle.nn as nn
import paddle.nn.functional as F

from tests.catalogue.correct import cifar, classic, convbn, functional, loops, timm_like


class ProjectionWithoutNorm(classic.ResNet):
    def _make_downsample(self, stage, inplanes, outplanes, stride):
        if stage == 3:
            return nn.Conv2D(inplanes, outplanes, 1, stride=stride, bias_attr=False)
        return super()._make_downsample(stage, inplanes, outplanes, stride)


class NoProjectionHasNorm(classic.ResNet):
    def _make_downsample(self, stage, inplanes, outplanes, stride):
        return nn.Conv2D(inplanes, outplanes, 1, stride=stride, bias_attr=False)


class BiasedProjection(classic.ResNet):
    def _make_downsample(self, stage, inplanes, outplanes, stride):
        bias_attr = None if stage == 2 else False
        conv = nn.Conv2D(inplanes, outplanes, 1, stride=stride, bias_attr=bias_attr)
        return nn.Sequential(conv, nn.BatchNorm2D(outplanes))


class Projection3x3(classic.ResNet):
    def _make_downsample(self, stage, inplanes, outplanes, stride):
        kernel = 3 if stage == 4 else 1
        return nn.Sequential(
            nn.Conv2D(inplanes, outplanes, kernel, stride, kernel // 2, bias_attr=False),
            nn.BatchNorm2D(outplanes),
        )


class Projection2x2(classic.ResNet):
    """The 2x2 filter of stride 2 covers its input exactly; it is another projection, though."""

    def _make_downsample(self, stage, inplanes, outplanes, stride):
        return nn.Sequential(
            nn.Conv2D(inplanes, outplanes, stride, stride=stride, bias_attr=False),
            nn.BatchNorm2D(outplanes),
        )


class RectifiedProjection(convbn.BottleneckBlock):
    def make_short(self, num_channels, num_filters, stride, pool_shortcut):
        return convbn.ConvBNLayer(num_channels, num_filters, 1, stride=stride, act="relu")


class ProjectionInEveryBlock(convbn.BasicBlock):
    def __init__(self, num_channels, num_filters, stride, shortcut=True, pool_shortcut=False):
        super().__init__(num_channels, num_filters, stride, False, pool_shortcut)


class NeedlessProjection(timm_like.BasicBlock):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        downsample = downsample or timm_like.downsample_conv(inplanes, planes, stride)
        super().__init__(inplanes, planes, stride, downsample, **kwargs)


class PooledProjection(classic.ResNet):
    """The shortcut of vd, in one stage of a network that is not vd."""

    def _make_downsample(self, stage, inplanes, outplanes, stride):
        if stage != 3:
            return super()._make_downsample(stage, inplanes, outplanes, stride)
        return nn.Sequential(
            nn.AvgPool2D(2, 2),
            nn.Conv2D(inplanes, outplanes, 1, bias_attr=False),
            nn.BatchNorm2D(outplanes),
        )


class MaxPooledProjection(classic.ResNet):
    def _make_downsample(self, stage, inplanes, outplanes, stride):
        layers = [nn.Conv2D(inplanes, outplanes, 1, bias_attr=False), nn.BatchNorm2D(outplanes)]
        if stride > 1:
            layers.insert(0, nn.MaxPool2D(2, 2))
        return nn.Sequential(*layers)


class PoolAndPad(functional.FunctionalResNet):
    """No projections: pools and pads channels with zeros, as the CIFAR nets do."""

    def shortcut(self, x, place, stride):
        if stride == 1:
            return x
        x = F.avg_pool2d(x, 2, 2)
        return F.pad(x, [0, 0, 0, x.shape[1], 0, 0, 0, 0])


class SliceAndTile(timm_like.BasicBlock):
    """Takes every second pixel and doubles the channels by repeating them."""

    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, None, **kwargs)

    def forward(self, x):
        shortcut = x[:, :, ::2, ::2]
        shortcut = paddle.concat([shortcut, shortcut], axis=1)
        return self.act2(self.branch(x) + shortcut)


class ProjectionOfBranch(classic.BasicBlock):
    """Projects the branch's first half instead of the input: widths fit, so nothing fails."""

    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs)
        self.downsample = nn.Sequential(
            nn.Conv2D(planes, planes, 1, bias_attr=False), nn.BatchNorm2D(planes)
        )

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        identity = self.downsample(out)
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


class SmoothedIdentity(loops.Unit):
    """Average pooling, stride 1, on an identity shortcut."""

    def forward(self, t):
        if self.projected:
            return super().forward(t)
        r = F.avg_pool2d(t, 3, 1, 1)
        for n in range(len(self.filters)):
            if n > 0:
                t = self.rectify(t)
            t = self.scales[n](self.filters[n](t))
        return self.rectify(t + r)


class SmoothedNet(loops.TableNet):
    unit = SmoothedIdentity


class OffsetSubsampling(cifar.BasicBlock):
    """Option A that keeps the odd pixels."""

    def make_shortcut(self, in_planes, planes, stride, option):
        pad = planes // 4
        return cifar.LambdaLayer(lambda x: F.pad(x[:, :, 1::2, 1::2], [0, 0, pad, pad, 0, 0, 0, 0]))


class AveragedOptionA(cifar.BasicBlock):
    def make_shortcut(self, in_planes, planes, stride, option):
        pad = planes // 4
        return cifar.LambdaLayer(
            lambda x: F.pad(F.avg_pool2d(x, 2, 2), [0, 0, pad, pad, 0, 0, 0, 0])
        )


def projection_without_norm():
    return classic.resnet50(ProjectionWithoutNorm)


def no_projection_has_norm():
    return classic.resnet18(NoProjectionHasNorm)


def biased_projection():
    return classic.resnet50(BiasedProjection)


def projection_3x3():
    return classic.resnet18(Projection3x3)


def projection_2x2():
    return classic.resnet34(Projection2x2)


def rectified_projection():
    return convbn.resnet50(special={(3, 0): RectifiedProjection})


def projection_in_every_block():
    return convbn.ResNet(18, special={(s, i): ProjectionInEveryBlock
                                      for s in range(1, 5) for i in range(2)})  # fmt: skip


def needless_projection():
    return timm_like.resnet34(special={(3, 2): NeedlessProjection})


def pooled_projection():
    return classic.resnet50(PooledProjection)


def max_pooled_projection():
    return classic.resnet34(MaxPooledProjection)


def pool_and_pad():
    return PoolAndPad(18)


def slice_and_tile():
    return timm_like.resnet18(special={(3, 0): SliceAndTile})


def projection_of_branch():
    return classic.resnet18(special={(2, 0): ProjectionOfBranch})


def smoothed_identities():
    return SmoothedNet("r18")


def offset_subsampling():
    return cifar.resnet20_a(special={(2, 0): OffsetSubsampling})


def averaged_option_a():
    return cifar.resnet20_a(block=AveragedOptionA)
