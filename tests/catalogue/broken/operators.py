"""Operators that no ResNet has: casts, flips, slices, clips, normalisation of the input."""

import paddle
import paddle.nn as nn
import paddle.nn.functional as F

from tests.catalogue.correct import classic, convbn, functional, loops, timm_like


class HalfPrecisionBlock(classic.BasicBlock):
    """To float16 and back: what does not fit is lost."""

    def forward(self, x):
        x = x.astype("float16").astype("float32")
        return super().forward(x)


class BFloat16Head(timm_like.ResNet):
    def forward_head(self, x):
        return super().forward_head(x.cast("bfloat16").cast("float32"))


class FlippedChannels(classic.ResNet):
    """RGB to BGR, for weights that somebody else trained."""

    def forward(self, x):
        return super().forward(paddle.flip(x, axis=[1]))


class MirroredMap(loops.Unit):
    def forward(self, t):
        return super().forward(paddle.flip(t, axis=[3]))


class MirroredNet(loops.TableNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        mirrored = MirroredMap("basic", 256, 256, 1, self.rectify)
        self.body["c"][1] = mirrored


class CroppedMap(functional.FunctionalResNet):
    """Drops a row and a column after the pool."""

    def stem(self, x):
        return super().stem(x)[:, :, :-1, :-1]


class ClippedActivations(convbn.BottleneckBlock):
    def forward(self, inputs):
        return paddle.clip(super().forward(inputs), max=6.0)


class WhereInBranch(classic.Bottleneck):
    """Silences small activations."""

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = paddle.where(out > 0.1, out, paddle.zeros_like(out))
        out = self.bn3(self.conv3(out))
        return self.relu(out + identity)


class NormalisedInput(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        mean = paddle.to_tensor([0.485, 0.456, 0.406]).reshape([1, 3, 1, 1])
        std = paddle.to_tensor([0.229, 0.224, 0.225]).reshape([1, 3, 1, 1])
        self.register_buffer("mean", mean, persistable=False)
        self.register_buffer("std", std, persistable=False)

    def forward(self, x):
        return super().forward((x - self.mean) / self.std)


class Scale(nn.Layer):
    def forward(self, x):
        return x / 255.0


class ResizedInput(timm_like.ResNet):
    def forward(self, x):
        return super().forward(F.interpolate(x, scale_factor=2, mode="bilinear"))


class TransposedInput(classic.ResNet):
    """Height and width exchanged, as by an image library."""

    def forward(self, x):
        return super().forward(x.transpose([0, 1, 3, 2]))


class BatchCentred(functional.FunctionalResNet):
    """Subtracts the mean over the batch: each answer depends on the company."""

    def head(self, x):
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        x = x - x.mean(axis=0, keepdim=True)
        return F.linear(x, self.w, self.b)


class ShuffledChannels(timm_like.BasicBlock):
    """A channel shuffle from another family of networks."""

    def branch(self, x):
        x = F.channel_shuffle(x, 2)
        return super().branch(x)


class NearestShortcut(classic.BasicBlock):
    """Subsamples and enlarges the identity again."""

    def forward(self, x):
        identity = F.interpolate(F.avg_pool2d(x, 2, 2), size=x.shape[2:], mode="nearest")
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


class RolledMap(classic.Bottleneck):
    def forward(self, x):
        return super().forward(paddle.roll(x, shifts=1, axis=2))


def half_precision_block():
    return classic.resnet18(special={(3, 1): HalfPrecisionBlock})


def bfloat16_head():
    return BFloat16Head(timm_like.BasicBlock, [2, 2, 2, 2])


def flipped_channels():
    return classic.resnet50(FlippedChannels)


def mirrored_map():
    return MirroredNet("r18")


def cropped_map():
    return CroppedMap(18)


def clipped_activations():
    return convbn.resnet50(special={(2, 3): ClippedActivations})


def where_in_branch():
    return classic.resnet50(special={(4, 2): WhereInBranch})


def normalised_input():
    return classic.resnet50(NormalisedInput)


def scaled_input():
    return nn.Sequential(Scale(), timm_like.resnet18())


def resized_input():
    return ResizedInput(timm_like.BasicBlock, [2, 2, 2, 2])


def transposed_input():
    return classic.resnet18(TransposedInput)


def batch_centred():
    return BatchCentred(18)


def shuffled_channels():
    return timm_like.resnet34(special={(3, 3): ShuffledChannels})


def nearest_shortcut():
    return classic.resnet18(special={(2, 1): NearestShortcut})


def rolled_map():
    return classic.resnet50(special={(3, 4): RolledMap})
