"""Blocks that add the wrong things, the wrong number of times, or not at all."""

import paddle
import paddle.nn as nn
import paddle.nn.functional as F

from tests.catalogue.correct import cifar, classic, convbn, functional, loops, preact, timm_like


class NoAdd(classic.BasicBlock):
    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)))


class ShortcutTwice(convbn.BottleneckBlock):
    def forward(self, inputs):
        short = inputs if self.shortcut else self.short(inputs)
        y = self.conv2(self.conv1(self.conv0(inputs)))
        y = y + short
        y = paddle.add(x=short, y=y)
        return F.relu(y)


class AddedToItself(classic.BasicBlock):
    """`x` was overwritten before the sum."""

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return self.relu(x + x)


class SecondConvFedTheInput(cifar.BasicBlock):
    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(x))
        out += self.shortcut(x)
        return F.relu(out)


class FirstChannelsOnly(timm_like.BasicBlock):
    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.branch(x)
        half = x.shape[1] // 2
        x = paddle.concat([x[:, :half] + shortcut[:, :half], x[:, half:]], axis=1)
        return self.act2(x)


class ConcatBlock(classic.BasicBlock):
    """Dense instead of residual: puts input and branch side by side and fuses them."""

    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.fuse = nn.Conv2D(2 * planes, planes, 1, bias_attr=False)

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(self.fuse(paddle.concat([out, identity], axis=1)))


class MeanOfBoth(functional.FunctionalResNet):
    def block(self, x, place, stride):
        paths = [self.branch(x, place, stride), self.shortcut(x, place, stride)]
        return F.relu(paddle.add_n(paths) / len(paths))


class ScaledBranch(classic.Bottleneck):
    """Scaled as in Inception-ResNet."""

    scale = 0.17

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(identity + self.scale * out)


class Difference(loops.Unit):
    def forward(self, t):
        r = t
        if self.projected:
            for step in self.match:
                r = step(r)
        for n in range(len(self.filters)):
            if n > 0:
                t = self.rectify(t)
            t = self.scales[n](self.filters[n](t))
        return self.rectify(r - t)


class DifferenceNet(loops.TableNet):
    unit = Difference


class Product(timm_like.Bottleneck):
    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.act3(self.branch(x) * shortcut)


class Maximum(classic.BasicBlock):
    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(paddle.maximum(out, identity))


class NormAfterAdd(functional.FunctionalResNet):
    """Adds first and normalises the sum, in the second block of stage 2."""

    def block(self, x, place, stride):
        if place != (2, 1):
            return super().block(x, place, stride)
        y = F.relu(self.conv_norm(x, (place, "a"), stride, 1))
        y = self.conv(y, (place, "b"), 1, 1) + self.shortcut(x, place, stride)
        return F.relu(self.norm(y, (place, "b")))


class ShortcutFromTheMiddle(classic.Bottleneck):
    """Takes the shortcut after the first activation instead of from the input."""

    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.widen = nn.Sequential(
            nn.Conv2D(planes, planes * 4, 1, bias_attr=False), nn.BatchNorm2D(planes * 4)
        )

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        identity = self.widen(out)
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + identity)


class OverwrittenShortcut(classic.BasicBlock):
    """An in-place ReLU that corrupts the projected shortcut before it is added."""

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.bn1(self.conv1(x))
        F.relu_(identity)
        out = self.bn2(self.conv2(F.relu_(out)))
        return self.relu(out + identity)


class PreActInplace(preact.PreActBlock):
    """`x` is activated in place, so the identity that is added is the activated one."""

    def forward(self, x):
        x = F.relu_(self.norm1(x))
        shortcut = self.project(x) if hasattr(self, "project") else x
        out = self.conv1(x)
        out = self.conv2(F.relu_(self.norm2(out)))
        return out + shortcut


class EarlierShortcut(timm_like.ResNet):
    """The last block of stage 3 adds the input of the block before it."""

    def forward_features(self, x):
        x = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        x = self.layer2(self.layer1(x))
        *blocks, last = self.layer3
        for block in blocks:
            before = x
            x = block(x)
        x = last.act2(last.branch(x) + before)
        return self.layer4(x)


def no_add():
    return classic.resnet34(special={(3, 2): NoAdd})


def no_add_anywhere():
    return classic.resnet18(block=NoAdd)


def shortcut_twice():
    return convbn.resnet50(special={(3, 1): ShortcutTwice})


def added_to_itself():
    return classic.resnet18(special={(4, 1): AddedToItself})


def second_conv_fed_the_input():
    return cifar.resnet20_a(special={(1, 1): SecondConvFedTheInput})


def first_channels_only():
    return timm_like.resnet18(special={(2, 1): FirstChannelsOnly})


def concat_for_add():
    return classic.resnet18(special={(3, 1): ConcatBlock})


def mean_of_both():
    return MeanOfBoth(18)


def scaled_branch():
    return classic.resnet50(special={(3, 3): ScaledBranch})


def difference():
    return DifferenceNet("r18")


def product():
    return timm_like.resnet50(special={(4, 2): Product})


def maximum():
    return classic.resnet34(special={(2, 3): Maximum})


def norm_after_add():
    return NormAfterAdd(18)


def shortcut_from_the_middle():
    return classic.resnet50(special={(2, 2): ShortcutFromTheMiddle})


def preact_inplace():
    return preact.resnet18_v2(special={(3, 1): PreActInplace})


def overwritten_shortcut():
    return classic.resnet34(special={(3, 0): OverwrittenShortcut})


def earlier_shortcut():
    return EarlierShortcut(timm_like.BasicBlock, [3, 4, 6, 3])
