"""Nothing but nn.Sequential: Dive into Deep Learning's nets, and one made by a generator."""

from torch import nn
from torch.nn import functional as F


class Residual(nn.Module):
    """The residual block of ResNet models, in the words of the book."""

    def __init__(self, num_channels, use_1x1conv=False, strides=1):
        super().__init__()
        self.conv1 = nn.LazyConv2d(num_channels, kernel_size=3, padding=1, stride=strides)
        self.conv2 = nn.LazyConv2d(num_channels, kernel_size=3, padding=1)
        if use_1x1conv:
            self.conv3 = nn.LazyConv2d(num_channels, kernel_size=1, stride=strides)
        else:
            self.conv3 = None
        self.bn1 = nn.LazyBatchNorm2d()
        self.bn2 = nn.LazyBatchNorm2d()

    def forward(self, X):
        Y = F.relu(self.bn1(self.conv1(X)))
        Y = self.bn2(self.conv2(Y))
        if self.conv3:
            X = self.conv3(X)
        Y += X
        return F.relu(Y)


class LazyResNet(nn.Module):
    def __init__(self, arch, num_classes=10, kind=Residual):
        super().__init__()
        self.kind = kind
        self.net = nn.Sequential(self.b1())
        for i, b in enumerate(arch):
            self.net.add_module(f"b{i + 2}", self.block(*b, first_block=(i == 0)))
        self.net.add_module("last", self.last(num_classes))

    def b1(self):
        return nn.Sequential(
            nn.LazyConv2d(64, kernel_size=7, stride=2, padding=3),
            nn.LazyBatchNorm2d(),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )

    def block(self, num_residuals, num_channels, first_block=False):
        blk = []
        for i in range(num_residuals):
            if i == 0 and not first_block:
                blk.append(self.kind(num_channels, use_1x1conv=True, strides=2))
            else:
                blk.append(self.kind(num_channels))
        return nn.Sequential(*blk)

    def last(self, num_classes):
        return nn.Sequential(nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.LazyLinear(num_classes))

    def forward(self, X):
        return self.net(X)


def d2l_resnet18(net=LazyResNet, **kwargs):
    return net(((2, 64), (2, 128), (2, 256), (2, 512)), **kwargs)


class Add(nn.Module):
    """Two paths of the same input, added."""

    def __init__(self, branch, shortcut):
        super().__init__()
        self.paths = nn.ModuleList([branch, shortcut])

    def forward(self, x):
        return self.paths[0](x) + self.paths[1](x)


def conv_bn(cin, cout, k, stride=1):
    yield nn.Conv2d(cin, cout, k, stride, k // 2, bias=False)
    yield nn.BatchNorm2d(cout)


def bottleneck_layers(cin, width, stride):
    yield from conv_bn(cin, width, 1)
    yield nn.ReLU()
    yield from conv_bn(width, width, 3, stride)
    yield nn.ReLU()
    yield from conv_bn(width, 4 * width, 1)


def basic_layers(cin, width, stride):
    yield from conv_bn(cin, width, 3, stride)
    yield nn.ReLU()
    yield from conv_bn(width, width, 3)


def shortcut_layers(cin, cout, stride):
    if cin != cout or stride != 1:
        yield from conv_bn(cin, cout, 1, stride)


def all_layers(counts=(3, 4, 6, 3), branch_layers=bottleneck_layers, expansion=4, classes=1000):
    yield from conv_bn(3, 64, 7, 2)
    yield from (nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    cin = 64
    for stage, count in enumerate(counts):
        width = 64 << stage
        for index in range(count):
            stride = 2 if stage and not index else 1
            branch = nn.Sequential(*branch_layers(cin, width, stride))
            shortcut = nn.Sequential(*shortcut_layers(cin, width * expansion, stride))
            yield Add(branch, shortcut)
            yield nn.ReLU()
            cin = width * expansion
    yield from (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(cin, classes))


def generated_resnet50():
    return nn.Sequential(*all_layers())


def generated_resnet18():
    return nn.Sequential(*all_layers((2, 2, 2, 2), basic_layers, 1))


def one_relu_for_all():
    """The same ReLU object everywhere."""
    net = generated_resnet18()
    shared = nn.ReLU()
    for module in list(net.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, shared)
    return net
