"""Batch norms that are missing, misplaced, shared, frozen, or hold the wrong constants."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from tests.catalogue_torch.correct import functional, loops, openmm, timm_like, vision


class AlwaysTraining(functional.FunctionalResNet):
    """F.batch_norm is told to train, whatever the mode."""

    def norm(self, x, key):
        mean, var = getattr(self, f"{key}_mean"), getattr(self, f"{key}_var")
        return F.batch_norm(x, mean, var, self.p[f"{key}_g"], self.p[f"{key}_s"], training=True)


class NeverTraining(functional.FunctionalResNet):
    """F.batch_norm's own default of `training` is False."""

    def norm(self, x, key):
        mean, var = getattr(self, f"{key}_mean"), getattr(self, f"{key}_var")
        return F.batch_norm(x, mean, var, self.p[f"{key}_g"], self.p[f"{key}_s"])


class CopiedStatistics(functional.FunctionalResNet):
    """The update goes into copies."""

    def norm(self, x, key):
        mean, var = getattr(self, f"{key}_mean").clone(), getattr(self, f"{key}_var").clone()
        return F.batch_norm(
            x, mean, var, self.p[f"{key}_g"], self.p[f"{key}_s"], training=self.training
        )


class FrozenByTrain(vision.ResNet):
    """Keeps its norms in evaluation mode for good, as in fine-tuning."""

    def train(self, mode=True):
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


class EvalIsIgnored(vision.ResNet):
    """Stays in training mode, for Monte Carlo dropout that it does not have."""

    def train(self, mode=True):
        return super().train(True)


class FrozenBatchNorm2d(nn.Module):
    """From a detector: four buffers, and a multiplication and an addition."""

    def __init__(self, n):
        super().__init__()
        self.register_buffer("weight", torch.ones(n))
        self.register_buffer("bias", torch.zeros(n))
        self.register_buffer("running_mean", torch.zeros(n))
        self.register_buffer("running_var", torch.ones(n))

    def forward(self, x):
        scale = self.weight * (self.running_var + 1e-5).rsqrt()
        bias = self.bias - self.running_mean * scale
        return x * scale.reshape(1, -1, 1, 1) + bias.reshape(1, -1, 1, 1)


class ForgetfulStatistics(nn.BatchNorm2d):
    """Its running statistics are not saved."""

    def __init__(self, num_features):
        super().__init__(num_features)
        self.register_buffer("running_mean", torch.zeros(num_features), persistent=False)
        self.register_buffer("running_var", torch.ones(num_features), persistent=False)


class PlainStatistics(nn.Module):
    """Running statistics as plain attributes: no state_dict holds them, no `to` moves them."""

    def __init__(self, n):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(n)), nn.Parameter(torch.zeros(n))
        self.mean, self.var = torch.zeros(n), torch.ones(n)

    def forward(self, x):
        return F.batch_norm(x, self.mean, self.var, self.weight, self.bias, self.training)


class SharedNorm(vision.BasicBlock):
    """One norm for both convolutions."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.bn2 = self.bn1


class WrongNorm(vision.BasicBlock):
    """bn2 is there, and bn1 is used in its place."""

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn1(self.conv2(out))
        out += identity
        return self.relu(out)


class MissingNorm(vision.BasicBlock):
    """bn1 is never called."""

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.conv1(x))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class NormBeforeConv(vision.BasicBlock):
    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.bn1 = nn.BatchNorm2d(inplanes)

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.conv1(self.bn1(x)))
        out = self.conv2(self.bn2(out))
        out += identity
        return self.relu(out)


def tensorflow_momentum():
    """0.9 is the share that is kept in TensorFlow, and replaced in PyTorch."""
    return vision.resnet18(norm_layer=partial(nn.BatchNorm2d, momentum=0.9))


def momentum_in_one_block():
    net = timm_like.resnet18()
    net.layer4[1].bn1.momentum = 0.99
    return net


def tensorflow_epsilon():
    return vision.resnet18(norm_layer=partial(nn.BatchNorm2d, eps=1e-3))


def epsilon_in_one_block():
    net = openmm.resnet18_vd()
    net.layer3[1].layers[1].bn.eps = 1e-3
    return net


def no_running_statistics():
    return vision.resnet18(norm_layer=partial(nn.BatchNorm2d, track_running_stats=False))


def batch_statistics_in_one_block():
    net = vision.resnet18()
    net.layer3[1].bn1 = nn.BatchNorm2d(256, track_running_stats=False)
    return net


def always_training():
    return AlwaysTraining(20)


def never_training():
    return NeverTraining(20)


def copied_statistics():
    return CopiedStatistics(20)


def momentum_zero():
    """The running statistics stay at zero and one."""
    return vision.resnet18(norm_layer=partial(nn.BatchNorm2d, momentum=0.0))


def frozen_by_train():
    return vision.resnet18(FrozenByTrain)


def eval_is_ignored():
    return vision.resnet18(EvalIsIgnored)


def frozen_batch_norm():
    return vision.resnet18(norm_layer=FrozenBatchNorm2d)


def forgetful_statistics():
    return vision.resnet18(norm_layer=ForgetfulStatistics)


def plain_statistics():
    return vision.resnet18(norm_layer=PlainStatistics)


def shared_norm():
    return vision.resnet18(special={(2, 1): SharedNorm})


def wrong_norm():
    return vision.resnet18(special={(3, 1): WrongNorm})


def missing_norm():
    return vision.resnet18(special={(3, 1): MissingNorm})


def norm_before_conv():
    return vision.resnet18(special={(2, 1): NormBeforeConv})


def without_affine():
    net = vision.resnet18()
    net.layer2[0].bn2 = nn.BatchNorm2d(128, affine=False)
    return net


def group_norm():
    net = vision.resnet18()
    net.layer2[1].bn1 = nn.GroupNorm(32, 128)
    return net


def instance_norm():
    net = loops.resnet18()
    net.stages[3][1].norms[1] = nn.InstanceNorm2d(512, affine=True)
    return net


def group_norm_everywhere():
    return vision.resnet18(norm_layer=partial(nn.GroupNorm, 32))


def doubled_norm():
    net = vision.resnet18()
    net.layer3[1].bn2 = nn.Sequential(nn.BatchNorm2d(256), nn.BatchNorm2d(256))
    return net


def stem_without_norm():
    net = timm_like.resnet18()
    net.bn1 = nn.Identity()
    return net


def fused_norms():
    """Norms fused into the convolutions of one block, as for serving."""
    net = vision.resnet18().eval()
    block = net.layer3[1]
    block.conv1 = nn.utils.fuse_conv_bn_eval(block.conv1, block.bn1)
    block.bn1 = nn.Identity()
    return net
