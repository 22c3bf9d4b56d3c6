"""Heads that pool, classify or end wrongly."""

import paddle
import paddle.nn as nn
import paddle.nn.functional as F

from tests.catalogue.correct import cifar, classic, functional, loops, preact, timm_like


class SoftmaxEnd(classic.ResNet):
    def forward(self, x):
        return F.softmax(super().forward(x), axis=1)


class LogSoftmaxEnd(functional.FunctionalResNet):
    def head(self, x):
        return F.log_softmax(super().head(x), axis=-1)


class SigmoidEnd(timm_like.ResNet):
    def forward_head(self, x):
        return F.sigmoid(super().forward_head(x))


class ReluEnd(classic.ResNet):
    def forward_head(self, x):
        return self.relu(super().forward_head(x))


class MaxPoolHead(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.avgpool = nn.AdaptiveMaxPool2D(1)


class SumPoolHead(functional.FunctionalResNet):
    def head(self, x):
        return F.linear(x.sum([2, 3]), self.w, self.b)


class NoPoolHead(classic.ResNet):
    """Flattens the 7x7 map that 224x224 gives."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fc = nn.Linear(512 * 7 * 7, 1000)

    def forward_head(self, x):
        return self.fc(paddle.flatten(x, 1))


class Pool2x2Head(timm_like.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.global_pool = nn.Sequential(nn.AdaptiveAvgPool2D(2), nn.Flatten())
        self.fc = nn.Linear(4 * self.num_features, 1000)


class CornerPool(cifar.ResNet):
    """AvgPool2D(4) on an 8x8 map, of which only the first value is used."""

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        out = F.avg_pool2d(out, 4)
        return self.linear(out[:, :, 0, 0])


class MixedUpFlatten(classic.ResNet):
    """Reshapes to (channels, images) and transposes: features of several images are mixed."""

    def forward_head(self, x):
        x = self.avgpool(x)
        x = x.reshape([x.shape[1], -1]).t()
        return self.fc(x)


class UnbiasedClassifier(loops.TableNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.exit = nn.Linear(2048, 1000, bias_attr=False)


class TwoLayerClassifier(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fc = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 1000))


class NormalisedFeatures(timm_like.ResNet):
    def forward_head(self, x):
        return self.fc(F.normalize(self.global_pool(x), axis=1))


class ScaledLogits(classic.ResNet):
    def forward_head(self, x):
        return super().forward_head(x) / 0.07


class NormInHead(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.bn = nn.BatchNorm1D(2048)

    def forward_head(self, x):
        return self.fc(self.bn(paddle.flatten(self.avgpool(x), 1)))


class PreActWithoutFinalNorm(preact.PreActResNet):
    def forward(self, x):
        x = self.features(x)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class PreActWithoutFinalRelu(preact.PreActResNet):
    def forward(self, x):
        x = self.norm(self.features(x))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


def softmax_end():
    return classic.resnet18(SoftmaxEnd)


def softmax_layer():
    return nn.Sequential(loops.resnet50(), nn.Softmax())


def log_softmax_end():
    return LogSoftmaxEnd(34)


def sigmoid_end():
    return SigmoidEnd(timm_like.BasicBlock, [2, 2, 2, 2])


def relu_end():
    return classic.resnet34(ReluEnd)


def max_pool_head():
    return classic.resnet50(MaxPoolHead)


def sum_pool_head():
    return SumPoolHead(18)


def no_pool_head():
    return classic.resnet18(NoPoolHead)


def pool_2x2_head():
    return Pool2x2Head(timm_like.BasicBlock, [2, 2, 2, 2])


def corner_pool():
    return CornerPool([3, 3, 3])


def mixed_up_flatten():
    return classic.resnet18(MixedUpFlatten)


def unbiased_classifier():
    return UnbiasedClassifier("r50")


def two_layer_classifier():
    return classic.resnet18(TwoLayerClassifier)


def normalised_features():
    return NormalisedFeatures(timm_like.Bottleneck, [3, 4, 6, 3])


def scaled_logits():
    return classic.resnet18(ScaledLogits)


def norm_in_head():
    return classic.resnet50(NormInHead)


def preact_without_final_norm():
    return preact.resnet50_v2(PreActWithoutFinalNorm)


def preact_without_final_relu():
    return preact.resnet18_v2(PreActWithoutFinalRelu)
