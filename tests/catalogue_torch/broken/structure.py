"""Wrong counts, widths and biases; blocks that are dead, shared, repeated or not registered."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune

from tests.catalogue_torch.correct import cifar, functional, loops, openmm, sequential, vision


class SharedBlocks(vision.ResNet):
    """`[block] * n`: one object in many places."""

    def _make_layer(self, kinds, planes, stride=1, dilate=False):
        first, second, *others = super()._make_layer(kinds, planes, stride, dilate)
        return nn.Sequential(first, *[second] * (1 + len(others)))


class PlainList(loops.LitResNet):
    """Its stages are a list of lists: nobody finds the parameters in there."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        third = list(self.stages[2])
        self.stages[2] = nn.ModuleList()
        self.third = third

    def forward(self, t):
        for layer in self.entry.values():
            t = layer(t)
        for units in (self.stages[0], self.stages[1], self.third, self.stages[3]):
            for unit in units:
                t = unit(t)
        return self.exit(t.mean((2, 3)))


class PlainTensors(functional.FunctionalResNet):
    """The classifier is a pair of tensors with requires_grad, but no parameters."""

    def __init__(self, depth):
        super().__init__(depth)
        self.w = self.p.pop("w").detach().requires_grad_()
        self.b = self.p.pop("b").detach().requires_grad_()

    def head(self, x):
        return F.linear(self.pool(x), self.w, self.b)


class BuiltInForward(vision.ResNet):
    """A new classifier at every call."""

    def head(self, x):
        x = torch.flatten(self.avgpool(x), 1)
        return nn.Linear(512, 1000)(x)


class BypassedBlock(openmm.ResNet):
    """The last block of stage 2 is computed and its result is dropped."""

    def forward(self, x):
        x = self.maxpool(self.stem(x))
        for name in self.res_layers:
            for i, block in enumerate(getattr(self, name)):
                out = block(x)
                x = x if (name, i) == ("layer2", 1) else out
        return self.head(self.gap(x).flatten(1))


class SkippedBlock(vision.ResNet):
    """An off-by-one: the last block of stage 4 is never called."""

    def stages(self, x):
        x = self.layer3(self.layer2(self.layer1(x)))
        for i in range(len(self.layer4) - 1):
            x = self.layer4[i](x)
        return x


class RepeatedBlock(functional.FunctionalResNet):
    def __init__(self, depth):
        super().__init__(depth)
        self.plan.insert(5, self.plan[4])


class TiedConvs(vision.BasicBlock):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv2.weight = self.conv1.weight


class OneConvTwice(cifar.BasicBlock):
    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv1(out))
        out += self.shortcut(x)
        return F.relu(out)


class AuxiliaryHead(vision.ResNet):
    """A second classifier that no call reaches."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.aux = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 1000))


class StandardisedConv(nn.Conv2d):
    """Weight standardisation."""

    def forward(self, x):
        mean = self.weight.mean((1, 2, 3), keepdim=True)
        std = self.weight.std((1, 2, 3), keepdim=True) + 1e-5
        return self._conv_forward(x, (self.weight - mean) / std, self.bias)


def one_block_short():
    return vision.ResNet(vision.BasicBlock, [3, 4, 5, 3])


def swapped_depths():
    return vision.ResNet(vision.BasicBlock, [3, 6, 4, 3])


def cifar_stage_short():
    return cifar.ResNet([3, 3, 2])


def asked_for_50():
    return vision.resnet34()


def asked_for_vd():
    return openmm.resnet18_vc()


def wide_block():
    net = vision.resnet50()
    net.layer4[1] = vision.Bottleneck(2048, 512, base_width=128)
    return net


def last_stage_not_widened():
    plan = [(64, 2), (128, 2), (256, 2), (256, 2)]
    loops.PLANS["not widened"] = plan
    return loops.LitResNet("not widened")


def basic_block_inside():
    net = vision.resnet50()
    net.layer2[1] = vision.BasicBlock(512, 512)
    return net


def biases_everywhere():
    """`bias=False` forgotten in one's own conv3x3."""
    net = vision.resnet18()
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.bias is None:
            module.bias = nn.Parameter(torch.zeros(module.out_channels))
    return net


def biased_stem():
    net = vision.resnet18()
    net.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
    return net


def bypassed_block():
    return BypassedBlock(18, "b")


def skipped_block():
    return vision.resnet18(SkippedBlock)


def repeated_block():
    return RepeatedBlock(20)


def shared_blocks():
    return vision.resnet34(SharedBlocks)


def tied_convs():
    return vision.resnet18(special={(2, 1): TiedConvs})


def one_conv_twice():
    return cifar.resnet20_b(special={(3, 1): OneConvTwice})


def plain_list():
    return PlainList("r18")


def plain_tensors():
    return PlainTensors(20)


def built_in_forward():
    return vision.resnet18(BuiltInForward)


def unused_conv():
    net = vision.resnet18()
    net.reduce = vision.conv1x1(512, 128)
    return net


def auxiliary_head():
    return vision.resnet18(AuxiliaryHead)


def weight_norm():
    net = vision.resnet18()
    nn.utils.parametrizations.weight_norm(net.layer3[1].conv2)
    return net


def spectral_norm():
    net = vision.resnet18()
    nn.utils.parametrizations.spectral_norm(net.layer2[0].conv1)
    return net


def pruned():
    """The mask was never made permanent."""
    net = vision.resnet18()
    prune.l1_unstructured(net.layer4[0].conv1, "weight", amount=0.5)
    return net


def standardised_weights():
    net = vision.resnet18()
    net.layer2[1].conv2 = StandardisedConv(128, 128, 3, padding=1, bias=False)
    return net


def generator_without_stem_pool():
    layers = list(sequential.generated_resnet18())
    return nn.Sequential(*[layer for layer in layers if not isinstance(layer, nn.MaxPool2d)])
