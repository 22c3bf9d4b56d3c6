"""Mistakes in the other forms: CIFAR, vd, SE, pre-activation, dilated, Dive into Deep Learning."""

import paddle.nn as nn
import paddle.nn.functional as F

from tests.catalogue.correct import (
    cifar,
    classic,
    convbn,
    keras_form,
    preact,
    sequential,
    timm_like,
)


class CifarWithPool(cifar.ResNet):
    """The max pool of the ImageNet stem on a CIFAR net."""

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.max_pool2d(out, 3, 2, 1)
        out = self.layer3(self.layer2(self.layer1(out)))
        return self.linear(out.mean([2, 3]))


class CifarStemWithoutPadding(cifar.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1 = nn.Conv2D(3, 16, 3, bias_attr=False)


class CifarOptionMixed(cifar.BasicBlock):
    """Option B in one stage of an option A net."""

    def make_shortcut(self, in_planes, planes, stride, option):
        return super().make_shortcut(in_planes, planes, stride, "B")


class NoSigmoid(timm_like.SEModule):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.gate = nn.Identity()


class NoInnerRelu(timm_like.SELayer):
    def __init__(self, channel, reduction=16):
        super().__init__(channel, reduction)
        self.fc[1] = nn.Identity()


class Reduction4(timm_like.SEModule):
    def __init__(self, channels):
        super().__init__(channels, 4)


class SEBlock(timm_like.Bottleneck):
    """One place with a gate of its own."""

    def __init__(self, inplanes, planes, *args, attn_layer=None, **kwargs):
        super().__init__(inplanes, planes, *args, attn_layer=self.gate, **kwargs)


class NoSigmoidBlock(SEBlock):
    gate = NoSigmoid


class Reduction4Block(SEBlock):
    gate = Reduction4


class NoGateBlock(SEBlock):
    gate = None


class GateAfterAdd(timm_like.BasicBlock):
    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.act1(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x)) + shortcut
        return self.act2(self.se(x))


class StridedVdProjection(convbn.BottleneckBlock):
    """One projection of a vd net that strides instead of pooling."""

    def make_short(self, num_channels, num_filters, stride, pool_shortcut):
        return convbn.ConvBNLayer(num_channels, num_filters, 1, stride=stride)


class DeepStemWithoutRelu(timm_like.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1[2] = nn.Identity()


class DeepStemStridesLast(timm_like.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1[0] = nn.Conv2D(3, 32, 3, 1, 1, bias_attr=False)
        self.conv1[6] = nn.Conv2D(32, 64, 3, 2, 1, bias_attr=False)


class DeepStemWidth64(timm_like.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1[3] = nn.Conv2D(32, 64, 3, 1, 1, bias_attr=False)
        self.conv1[4] = nn.BatchNorm2D(64)
        self.conv1[6] = nn.Conv2D(64, 64, 3, 1, 1, bias_attr=False)


class PreActShortcutAfterActivation(preact.PreActBottleneck):
    """Every block adds its activated input, not the input."""

    def forward(self, x):
        x = F.relu(self.norm1(x))
        shortcut = self.project(x) if hasattr(self, "project") else x
        out = self.conv2(F.relu(self.norm2(self.conv1(x))))
        out = self.conv3(F.relu(self.norm3(out)))
        return shortcut + out


class PreActWithFinalRelu(preact.PreActBlock):
    def forward(self, x):
        return F.relu(super().forward(x))


class PreActReluMissing(preact.PreActBottleneck):
    def forward(self, x):
        out = F.relu(self.norm1(x))
        shortcut = self.project(out) if hasattr(self, "project") else x
        out = self.conv2(self.norm2(self.conv1(out)))
        return shortcut + self.conv3(F.relu(self.norm3(out)))


class UndilatedBlock(classic.Bottleneck):
    """A block of a dilated stage whose 3x3 convolution is not dilated."""

    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs | {"dilation": 1})


class StrideDroppedWithoutDilation(classic.ResNet):
    """Output stride 16 by leaving out the stride; nobody dilates."""

    def _make_layer(self, stage, block, planes, blocks, stride=1, dilate=False):
        if stage == 4:
            stride = 1
        return super()._make_layer(stage, block, planes, blocks, stride)


class ResidualWithoutRelu(sequential.Residual):
    def forward(self, X):
        Y = F.relu(self.bn1(self.conv1(X)))
        Y = self.bn2(self.conv2(Y))
        if self.conv3:
            X = self.conv3(X)
        return Y + X


class KerasDefaultEpsilon(keras_form.KerasResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for layer in self.sublayers():
            if isinstance(layer, nn.BatchNorm2D):
                layer._epsilon = 1e-3


def cifar_with_pool():
    return CifarWithPool([3, 3, 3])


def cifar_stem_without_padding():
    return CifarStemWithoutPadding([3, 3, 3], "B")


def cifar_options_mixed():
    return cifar.resnet20_a(special={(3, 0): CifarOptionMixed})


def se_without_sigmoid():
    return timm_like.seresnet50(special={(3, 1): NoSigmoidBlock})


def se_without_relu():
    return timm_like.resnet18(attn_layer=NoInnerRelu)


def se_reduction_4():
    return timm_like.seresnet50(special={(2, 2): Reduction4Block})


def se_missing():
    return timm_like.seresnet50(special={(3, 4): NoGateBlock})


def se_after_add():
    return timm_like.seresnet18(special={(3, 1): GateAfterAdd})


def vd_projection_strides():
    return convbn.resnet50_vd(special={(3, 0): StridedVdProjection})


def deep_stem_without_relu():
    return DeepStemWithoutRelu(timm_like.Bottleneck, [3, 4, 6, 3], stem_type="deep")


def deep_stem_strides_last():
    return DeepStemStridesLast(timm_like.BasicBlock, [2, 2, 2, 2], stem_type="deep")


def deep_stem_width_64():
    return DeepStemWidth64(timm_like.Bottleneck, [3, 4, 6, 3], stem_type="deep")


def preact_shortcut_after_activation():
    return preact.resnet50_v2(special={
        (s, i): PreActShortcutAfterActivation for s, n in enumerate((3, 4, 6, 3), 1)
        for i in range(n)})  # fmt: skip


def preact_final_relu():
    return preact.resnet18_v2(special={(2, 1): PreActWithFinalRelu})


def preact_relu_missing():
    return preact.resnet50_v2(special={(3, 2): PreActReluMissing})


def undilated_block():
    return classic.resnet50(
        replace_stride_with_dilation=(False, False, True), special={(4, 1): UndilatedBlock}
    )


def stride_dropped_without_dilation():
    return classic.resnet50(StrideDroppedWithoutDilation)


def d2l_without_final_relu():
    return sequential.build((2, 2, 2, 2), 10, kind=ResidualWithoutRelu)


def keras_epsilon():
    return KerasDefaultEpsilon((3, 4, 6, 3))
