"""Operators that no ResNet has: casts, flips, slices, clips, normalisation of the input."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.catalogue_torch.correct import functional, loops, openmm, timm_like, vision


class HalfBlock(vision.BasicBlock):
    """To float16 and back: what does not fit is lost."""

    def forward(self, x):
        return super().forward(x.half().float())


class BFloat16Head(timm_like.ResNet):
    def forward_head(self, x, pre_logits: bool = False):
        x = x.to(torch.bfloat16)
        return super().forward_head(x.float(), pre_logits)


class AutocastStage(vision.ResNet):
    """Mixed precision that no caller can switch off."""

    def stages(self, x):
        x = self.layer2(self.layer1(x))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            x = self.layer3(x)
        return self.layer4(x.float())


class BGR(vision.ResNet):
    """For weights that came from Caffe."""

    def forward(self, x):
        return super().forward(x[:, [2, 1, 0]])


class Mirrored(loops.Unit):
    def forward(self, t):
        return super().forward(t.flip(-1))


class Normalising(vision.ResNet):
    """The data pipeline's business, done twice."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        self.register_buffer("mean", mean.view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", std.view(1, 3, 1, 1), persistent=False)

    def forward(self, x):
        return super().forward((x - self.mean) / self.std)


class Divide(nn.Module):
    def forward(self, x):
        return x / 255


class Resized(timm_like.ResNet):
    def forward(self, x):
        x = F.interpolate(x, size=(224, 224), mode="bilinear", align_corners=False)
        return super().forward(x)


class Transposed(vision.ResNet):
    """Width before height."""

    def forward(self, x):
        return super().forward(x.transpose(2, 3))


class ViewForPermute(vision.ResNet):
    """`view` to channels last and `permute` back: the pixels are elsewhere afterwards."""

    def stem(self, x):
        n, c, h, w = x.shape
        x = x.reshape(n, h, w, c).permute(0, 3, 1, 2).contiguous()
        return super().stem(x)


class Cropped(functional.FunctionalResNet):
    def stem(self, x):
        return super().stem(x)[..., :-1, :-1]


class Clamped(timm_like.BasicBlock):
    def forward(self, x):
        return super().forward(x).clamp_(max=6)


class WithoutNaN(openmm.Block):
    """Hides what overflows."""

    def forward(self, x):
        return torch.nan_to_num(super().forward(x), nan=0.0, posinf=1e4, neginf=-1e4)


class Masked(vision.BasicBlock):
    """Silences small activations, in place."""

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = out.masked_fill(out < 0.1, 0.0)
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


class Shuffled(timm_like.BasicBlock):
    def branch(self, x):
        x = self.act1(self.bn1(self.conv1(x)))
        x = F.channel_shuffle(x, 4)
        return self.bn2(self.conv2(x))


class Rolled(vision.BasicBlock):
    def forward(self, x):
        return torch.roll(super().forward(x), shifts=(1, 1), dims=(2, 3))


class BatchCentred(functional.FunctionalResNet):
    """Subtracts the mean of the batch from the features."""

    def pool(self, x):
        x = super().pool(x)
        return x - x.mean(0, keepdim=True)


def half_block():
    return vision.resnet18(special={(3, 1): HalfBlock})


def bfloat16_head():
    return timm_like.resnet18(BFloat16Head)


def autocast_stage():
    return vision.resnet18(AutocastStage)


def bgr():
    return vision.resnet18(BGR)


def mirrored():
    net = loops.resnet18()
    net.stages[2][1] = Mirrored(256, 256, 1)
    return net


def normalising():
    return vision.resnet18(Normalising)


def divided():
    return nn.Sequential(Divide(), timm_like.resnet18())


def resized():
    return timm_like.resnet18(Resized)


def transposed():
    return vision.resnet18(Transposed)


def view_for_permute():
    return vision.resnet18(ViewForPermute)


def cropped():
    return Cropped(20)


def clamped():
    return timm_like.resnet18(special={(2, 1): Clamped})


def without_nan():
    return openmm.ResNet(18, "b", block=WithoutNaN)


def masked():
    return vision.resnet18(special={(4, 1): Masked})


def shuffled():
    return timm_like.resnet18(special={(3, 1): Shuffled})


def rolled():
    return vision.resnet18(special={(3, 1): Rolled})


def batch_centred():
    return BatchCentred(20)


def altering_hook():
    """Left over from an experiment: a forward hook that returns something."""
    net = vision.resnet18()
    net.layer2.register_forward_hook(lambda module, inputs, output: output * 2)
    return net
