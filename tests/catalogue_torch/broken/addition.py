"""Blocks that add the wrong things, the wrong number of times, or not at all."""

import torch
from torch import nn

from tests.catalogue_torch.correct import cifar, functional, loops, preact, timm_like, vision


class EqualsPlus(vision.BasicBlock):
    """`=+` for `+=`: the identity is all that is left."""

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out =+ identity  # fmt: skip
        return self.relu(out)


class Forgotten(vision.BasicBlock):
    """The sum is computed and not kept."""

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out.add(identity)
        return self.relu(out)


class ChangedIdentity(vision.BasicBlock):
    """`identity` is `x`, and `x` is changed in place before the sum."""

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        identity += out
        return self.relu(identity + out)


class SavedInput(vision.BasicBlock):
    """Adds into its own input: autograd needs it for the first convolution's gradient."""

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        x = x if self.downsample is None else self.downsample(x)
        x += out
        return self.relu(x)


class AddedToItself(cifar.BasicBlock):
    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return torch.relu(x + self.shortcut[:0](x))


class SecondConvFedTheInput(cifar.BasicBlock):
    def forward(self, x):
        out = torch.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(x))
        out += self.shortcut(x)
        return torch.relu(out)


class SmallAlpha(timm_like.BasicBlock):
    """alpha scales what is added."""

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.act2(torch.add(shortcut, self.branch(x), alpha=0.2))


class Mean(functional.FunctionalResNet):
    def block(self, x, key, stride):
        paths = torch.stack([self.branch(x, key, stride), self.shortcut(x, key, stride)])
        return torch.relu(paths.mean(0))


class Learned(vision.BasicBlock):
    """ReZero's weight of the branch, in one block."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.alpha = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(identity + self.alpha * out)


class Difference(loops.Unit):
    def forward(self, t):
        shortcut = t
        for layer in self.match.values():
            shortcut = layer(shortcut)
        t = torch.relu(self.norms[0](self.convs[0](t)))
        return torch.relu(self.norms[1](self.convs[1](t)) - shortcut)


class Maximum(vision.BasicBlock):
    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(torch.maximum(out, identity))


class Product(timm_like.BasicBlock):
    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.branch(x)
        x *= shortcut
        return self.act2(x)


class FirstChannelsOnly(timm_like.BasicBlock):
    """Adds into half of the map, in place."""

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.branch(x)
        half = x.shape[1] // 2
        x[:, :half] += shortcut[:, :half]
        return self.act2(x)


class Concatenated(vision.BasicBlock):
    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.fuse = vision.conv1x1(2 * planes, planes)

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(self.fuse(torch.cat((out, identity), dim=1)))


class NormAfterAdd(functional.FunctionalResNet):
    def block(self, x, key, stride):
        if key != "2_1":
            return super().block(x, key, stride)
        y = torch.relu(self.conv_norm(x, f"{key}_a", stride, 1))
        y = self.conv(y, f"{key}_b", 1, 1) + self.shortcut(x, key, stride)
        return torch.relu(self.norm(y, f"{key}_b"))


class ActivatedInPlace(preact.PreActBlock):
    """The norm's output takes the place of the input, which is the shortcut."""

    def forward(self, x):
        x = torch.relu_(self.bn1(x))
        shortcut = self.shortcut(x) if hasattr(self, "shortcut") else x
        out = self.conv2(torch.relu_(self.bn2(self.conv1(x))))
        return out + shortcut


class EarlierShortcut(vision.ResNet):
    """The last block of stage 3 adds what the block before it took in."""

    def stages(self, x):
        x = self.layer2(self.layer1(x))
        *blocks, last = self.layer3
        for block in blocks:
            before = x
            x = block(x)
        out = last.relu(last.bn1(last.conv1(x)))
        x = last.relu(last.bn2(last.conv2(out)) + before)
        return self.layer4(x)


def equals_plus():
    return vision.resnet18(special={(3, 1): EqualsPlus})


def forgotten():
    return vision.resnet18(special={(3, 1): Forgotten})


def changed_identity():
    return vision.resnet18(special={(2, 1): ChangedIdentity})


def saved_input():
    return vision.resnet18(special={(2, 1): SavedInput})


def added_to_itself():
    return cifar.resnet20_a(special={(1, 1): AddedToItself})


def second_conv_fed_the_input():
    return cifar.resnet20_b(special={(1, 1): SecondConvFedTheInput})


def small_alpha():
    return timm_like.resnet18(special={(3, 1): SmallAlpha}, zero_init_last=False)


def mean_of_paths():
    return Mean(20)


def learned_scale():
    return vision.resnet18(special={(3, 1): Learned})


def difference():
    return loops.resnet18(unit=Difference)


def maximum():
    return vision.resnet18(special={(2, 1): Maximum})


def product():
    return timm_like.resnet18(special={(4, 1): Product})


def first_channels_only():
    return timm_like.resnet18(special={(2, 1): FirstChannelsOnly})


def concatenated():
    return vision.resnet18(special={(3, 1): Concatenated})


def norm_after_add():
    return NormAfterAdd(20)


def activated_in_place():
    return preact.resnet18_v2(special={(3, 1): ActivatedInPlace})


def earlier_shortcut():
    return vision.resnet34(EarlierShortcut)
