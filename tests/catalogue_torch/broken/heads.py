"""Heads that pool, classify or end wrongly."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.catalogue_torch.correct import (
    cifar,
    functional,
    loops,
    openmm,
    preact,
    timm_like,
    vision,
)


class SoftmaxEnd(vision.ResNet):
    def forward(self, x):
        return F.softmax(super().forward(x), dim=1)


class LogSoftmaxEnd(functional.FunctionalResNet):
    def head(self, x):
        return F.log_softmax(super().head(x), dim=-1)


class SoftmaxOverBatch(loops.LitResNet):
    """dim=0 is the batch."""

    def forward(self, t):
        return super().forward(t).softmax(0)


class SigmoidEnd(timm_like.ResNet):
    def forward_head(self, x, pre_logits: bool = False):
        return torch.sigmoid(super().forward_head(x, pre_logits))


class ArgmaxEnd(vision.ResNet):
    """Classes instead of their scores."""

    def forward(self, x):
        return super().forward(x).argmax(dim=1)


class SumPool(functional.FunctionalResNet):
    def pool(self, x):
        return x.sum((2, 3))


class MeanAndMax(functional.FunctionalResNet):
    """As in fastai, but added."""

    def pool(self, x):
        return x.mean((2, 3)) + x.amax((2, 3))


class NoPool(vision.ResNet):
    """Flattens the 7x7 map that 224x224 gives."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fc = nn.Linear(512 * 7 * 7, 1000)

    def head(self, x):
        return self.fc(torch.flatten(x, 1))


class PixelsForImages(vision.ResNet):
    """`view(-1, 512)` of a map that was never pooled: every pixel is an image."""

    def head(self, x):
        return self.fc(x.permute(0, 2, 3, 1).reshape(-1, 512))


class MixedUpFlatten(openmm.ResNet):
    """The features of several images are mixed."""

    def forward(self, x):
        x = self.maxpool(self.stem(x))
        for name in self.res_layers:
            x = getattr(self, name)(x)
        x = self.gap(x)
        return self.head(x.view(x.size(1), -1).t())


class CornerPool(cifar.ResNet):
    """A pool of 4 on a map of 8x8, of which the first value is used."""

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        out = F.avg_pool2d(out, 4)
        return self.linear(out[:, :, 0, 0])


class DropoutWithoutMode(vision.ResNet):
    """F.dropout trains unless it is told not to."""

    def head(self, x):
        x = torch.flatten(self.avgpool(x), 1)
        return self.fc(F.dropout(x, p=0.5))


class Normalised(timm_like.ResNet):
    def forward_head(self, x, pre_logits: bool = False):
        return self.fc(F.normalize(self.global_pool(x)))


class Temperature(vision.ResNet):
    def head(self, x):
        return super().head(x) / 0.07


class PreActWithoutLastNorm(preact.PreActResNet):
    def last(self, x):
        return x


class PreActWithoutLastRelu(preact.PreActResNet):
    def last(self, x):
        return self.norm(x)


def softmax_end():
    return vision.resnet18(SoftmaxEnd)


def softmax_layer():
    return nn.Sequential(loops.resnet18(), nn.Softmax(dim=1))


def log_softmax_end():
    return LogSoftmaxEnd(20)


def softmax_over_batch():
    return loops.resnet18(SoftmaxOverBatch)


def sigmoid_end():
    return timm_like.resnet18(SigmoidEnd)


def argmax_end():
    return vision.resnet18(ArgmaxEnd)


def max_pool_head():
    net = vision.resnet18()
    net.avgpool = nn.AdaptiveMaxPool2d(1)
    return net


def sum_pool():
    return SumPool(20)


def mean_and_max():
    return MeanAndMax(20)


def no_pool():
    return vision.resnet18(NoPool)


def pixels_for_images():
    return vision.resnet18(PixelsForImages)


def mixed_up_flatten():
    return MixedUpFlatten(18, "b")


def corner_pool():
    return CornerPool([3, 3, 3])


def pool_of_two():
    net = timm_like.resnet18()
    net.global_pool = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
    net.fc = nn.Linear(4 * 512, 1000)
    return net


def unbiased_classifier():
    net = vision.resnet18()
    net.fc = nn.Linear(512, 1000, bias=False)
    return net


def two_layer_classifier():
    net = vision.resnet18()
    net.fc = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 1000))
    return net


def dropout_without_mode():
    return vision.resnet18(DropoutWithoutMode)


def normalised():
    return timm_like.resnet18(Normalised)


def temperature():
    return vision.resnet18(Temperature)


def norm_in_head():
    net = vision.resnet18()
    net.fc = nn.Sequential(nn.BatchNorm1d(512), nn.Linear(512, 1000))
    return net


def preact_without_last_norm():
    return PreActWithoutLastNorm(preact.PreActBlock, [2, 2, 2, 2])


def preact_without_last_relu():
    return PreActWithoutLastRelu(preact.PreActBlock, [2, 2, 2, 2])
