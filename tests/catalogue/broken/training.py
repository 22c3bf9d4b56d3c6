"""Mistakes of mode, gradient and state: what a single forward at initialisation does not show."""

import numpy as np
import paddle
import paddle.nn as nn
import paddle.nn.functional as F

from tests.catalogue.correct import cifar, classic, convbn, functional, loops, timm_like


class DropoutBuiltInForward(classic.ResNet):
    """A new layer on every call is always in training mode."""

    def forward_head(self, x):
        x = paddle.flatten(self.avgpool(x), 1)
        x = nn.Dropout(0.5)(x)
        return self.fc(x)


class AlwaysDropped(timm_like.BasicBlock):
    """F.dropout trains unless it is told not to."""

    def branch(self, x):
        return F.dropout(super().branch(x), p=0.2)


class DropPathAlways(timm_like.DropPath):
    def forward(self, x):
        keep = 1 - self.drop_prob
        mask = paddle.bernoulli(paddle.full([x.shape[0], 1, 1, 1], keep))
        return x * mask / keep


class DropPathInEval(timm_like.Bottleneck):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.drop_path = DropPathAlways(0.5)


class NoisyInput(classic.ResNet):
    def forward(self, x):
        if self.training:
            x = x + 0.1 * paddle.randn(x.shape)
        return super().forward(x)


class DetachedShortcut(classic.Bottleneck):
    def forward(self, x):
        identity = x.detach() if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + identity)


class DetachedBranch(functional.FunctionalResNet):
    """The second block of stage 4 learns nothing."""

    def branch(self, x, place, stride):
        y = super().branch(x, place, stride)
        return y.detach() if place == (4, 1) else y


class DetachedMap(timm_like.ResNet):
    """Everything up to stage 2 gets no gradient."""

    def forward_features(self, x):
        x = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        x = self.layer2(self.layer1(x)).detach()
        return self.layer4(self.layer3(x))


class NoGradStem(loops.TableNet):
    def forward(self, t):
        with paddle.no_grad():
            for step in self.entry.values():
                t = step(t)
        for units in self.body.values():
            for unit in units:
                t = unit(t)
        return self.exit(paddle.mean(t, axis=(2, 3)))


class FrozenStages(classic.ResNet):
    """Freezes the stem and the first stage, as detectors do."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for part in (self.conv1, self.bn1, self.layer1):
            for parameter in part.parameters():
                parameter.stop_gradient = True


class FrozenConv(classic.BasicBlock):
    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.conv2 = nn.Conv2D(
            planes,
            planes,
            3,
            padding=1,
            weight_attr=paddle.ParamAttr(trainable=False),
            bias_attr=False,
        )


class ConstantClassifier(timm_like.ResNet):
    """The classifier is drawn once and kept as a buffer."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        del self.fc
        draw = np.random.default_rng(0).uniform(-0.04, 0.04, [512, 1000])
        self.register_buffer("weight", paddle.to_tensor(draw.astype("float32")))
        self.register_buffer("bias", paddle.zeros([1000]))

    def forward_head(self, x):
        return F.linear(self.global_pool(x), self.weight, self.bias)


class CachedFeatures(classic.ResNet):
    """Keeps the first batch's features for good."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cache = None

    def forward_stages(self, x):
        if self.cache is None:
            self.cache = super().forward_stages(x)
        return self.cache


class RunningInputMean(timm_like.ResNet):
    """Centres by a mean that every call moves, in eval mode too."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_buffer("centre", paddle.zeros([1, 3, 1, 1]), persistable=False)

    def forward(self, x):
        self.centre = 0.9 * self.centre + 0.1 * x.mean([0, 2, 3], keepdim=True).detach()
        return super().forward(x - self.centre)


class InputChanged(convbn.ResNet):
    """Centres the caller's batch in place."""

    def forward(self, inputs):
        inputs.subtract_(paddle.full_like(inputs, 0.5))
        return super().forward(inputs)


class CountingBlock(cifar.BasicBlock):
    """Computes its branch on the first call only."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x) if self.calls == 1 else x


class EvalSkipsBlock(classic.ResNet):
    """A shortcut for speed in eval mode: the last block is left out."""

    def forward_stages(self, x):
        x = self.layer3(self.layer2(self.layer1(x)))
        blocks = list(self.layer4)
        for block in blocks if self.training else blocks[:-1]:
            x = block(x)
        return x


class EvalSoftmax(timm_like.ResNet):
    def forward(self, x):
        x = super().forward(x)
        return x if self.training else F.softmax(x, axis=-1)


def dropout_built_in_forward():
    return classic.resnet18(DropoutBuiltInForward)


def always_dropped():
    return timm_like.resnet34(special={(3, 3): AlwaysDropped}, zero_init_last=False)


def drop_path_in_eval():
    return timm_like.resnet50(special={(2, 1): DropPathInEval}, zero_init_last=False)


def noisy_input():
    return classic.resnet18(NoisyInput)


def detached_shortcut():
    return classic.resnet50(special={(3, 1): DetachedShortcut})


def detached_branch():
    return DetachedBranch(18)


def detached_map():
    return DetachedMap(timm_like.BasicBlock, [3, 4, 6, 3])


def no_grad_stem():
    return NoGradStem("r18")


def frozen_stages():
    return classic.resnet50(FrozenStages)


def frozen_conv():
    return classic.resnet34(special={(2, 2): FrozenConv})


def constant_classifier():
    return ConstantClassifier(timm_like.BasicBlock, [2, 2, 2, 2])


def cached_features():
    return classic.resnet18(CachedFeatures)


def running_input_mean():
    return RunningInputMean(timm_like.BasicBlock, [2, 2, 2, 2])


def input_changed():
    return InputChanged(18)


def counting_block():
    return cifar.resnet20_a(special={(2, 1): CountingBlock})


def eval_skips_block():
    return classic.resnet18(EvalSkipsBlock)


def eval_softmax():
    return EvalSoftmax(timm_like.Bottleneck, [3, 4, 6, 3])
