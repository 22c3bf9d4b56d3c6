"""ResNet as OpenMMLab writes it: modules added by name, a deep stem, an average in the shortcut."""

from torch import nn
from torch.utils import checkpoint


class ConvModule(nn.Module):
    """Convolution, norm and activation in an order that can be chosen."""

    def __init__(self, cin, cout, k, stride=1, padding=0, groups=1, act=True):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, k, stride, padding, groups=groups, bias=False)
        self.add_module("bn", nn.BatchNorm2d(cout))
        self.with_activation = act
        if act:
            self.activate = nn.ReLU(inplace=True)

    @property
    def norm(self):
        return getattr(self, "bn")  # noqa: B009

    def forward(self, x):
        x = self.norm(self.conv(x))
        return self.activate(x) if self.with_activation else x


class Block(nn.Module):
    def __init__(self, cin, width, cout, stride=1, downsample=None, with_cp=False):
        super().__init__()
        if cout == width:
            layers = [
                ConvModule(cin, width, 3, stride, 1),
                ConvModule(width, cout, 3, 1, 1, act=False),
            ]
        else:
            layers = [
                ConvModule(cin, width, 1),
                ConvModule(width, width, 3, stride, 1),
                ConvModule(width, cout, 1, act=False),
            ]
        self.layers = nn.Sequential(*layers)
        self.downsample = downsample
        self.relu = nn.ReLU(inplace=True)
        self.with_cp = with_cp

    def inner(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        return self.layers(x) + identity

    def forward(self, x):
        if self.with_cp and x.requires_grad:
            out = checkpoint.checkpoint(self.inner, x, use_reentrant=False)
        else:
            out = self.inner(x)
        return self.relu(out)


class ResNet(nn.Module):
    """`version` is b, c or d; `out_indices` says of which stages the maps are wanted."""

    def __init__(
        self, depth, version="d", out_indices=None, num_classes=1000, with_cp=False, block=Block
    ):
        super().__init__()
        self.version = version
        self.out_indices = out_indices
        self.with_cp = with_cp
        self.block = block
        if version == "b":
            self.stem = ConvModule(3, 64, 7, 2, 3)
        else:
            self.stem = nn.Sequential(
                ConvModule(3, 32, 3, 2, 1), ConvModule(32, 32, 3, 1, 1), ConvModule(32, 64, 3, 1, 1)
            )
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        counts = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}[depth]
        expansion = 4 if depth >= 50 else 1
        self.res_layers = []
        cin = 64
        for i, count in enumerate(counts):
            width, stride = 64 * 2**i, 1 if i == 0 else 2
            layer = self.make_res_layer(cin, width, width * expansion, count, stride)
            self.add_module(f"layer{i + 1}", layer)
            self.res_layers.append(f"layer{i + 1}")
            cin = width * expansion
        if out_indices is None:
            self.gap = nn.AdaptiveAvgPool2d((1, 1))
            self.head = nn.Linear(cin, num_classes)

    def make_downsample(self, cin, cout, stride):
        layers = []
        if self.version == "d" and stride != 1:
            layers.append(nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False))
            stride = 1
        layers += [nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout)]
        return nn.Sequential(*layers)

    def make_res_layer(self, cin, width, cout, count, stride):
        downsample = None
        if stride != 1 or cin != cout:
            downsample = self.make_downsample(cin, cout, stride)
        blocks = [self.block(cin, width, cout, stride, downsample, self.with_cp)]
        blocks += [self.block(cout, width, cout, with_cp=self.with_cp) for _ in range(count - 1)]
        return nn.Sequential(*blocks)

    def forward(self, x):
        x = self.maxpool(self.stem(x))
        outs = []
        for i, layer_name in enumerate(self.res_layers):
            x = getattr(self, layer_name)(x)
            if self.out_indices is not None and i in self.out_indices:
                outs.append(x)
        if self.out_indices is not None:
            return tuple(outs)
        x = self.gap(x)
        return self.head(x.view(x.size(0), -1))


def resnet50_vd():
    return ResNet(50)


def resnet18_vd():
    return ResNet(18)


def resnet18_vc():
    return ResNet(18, "c")


def resnet50_vb():
    return ResNet(50, "b")


def resnet18_vb(**kwargs):
    return ResNet(18, "b", **kwargs)


def stages_of_detection():
    return ResNet(34, "b", out_indices=(0, 1, 2, 3))


def last_stage_only():
    return ResNet(18, "d", out_indices=(3,))


def saving_memory():
    """Every block is computed again on the way back."""
    return ResNet(18, "b", with_cp=True)
