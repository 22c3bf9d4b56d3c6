"""ResNet without a layer object: parameters in a dict, everything else from functional."""

import torch
from torch import nn
from torch.nn import functional as F

DEPTHS = {18: (2, 2, 2, 2), 20: (3, 3, 3), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


def kaiming(cout, cin, k):
    return nn.Parameter(torch.randn(cout, cin, k, k) * (2.0 / (cout * k * k)) ** 0.5)


class FunctionalResNet(nn.Module):
    """Names are like "3_0_a": stage, block and convolution; "p" is the projection.

    Depth 20 is the one for CIFAR.
    """

    def __init__(self, depth):
        super().__init__()
        self.bottleneck = depth >= 50
        self.cifar = depth == 20
        classes, cin = (10, 16) if self.cifar else (1000, 64)
        self.p = nn.ParameterDict()
        self.add("stem", 3, cin, 3 if self.cifar else 7)
        self.plan = []
        for stage, count in enumerate(DEPTHS[depth], start=1):
            width = (8 if self.cifar else 32) << stage
            cout = width * 4 if self.bottleneck else width
            for index in range(count):
                key, stride = f"{stage}_{index}", 2 if stage > 1 and index == 0 else 1
                self.add_block(key, cin, width, cout, stride)
                self.plan.append((key, stride))
                cin = cout
        self.p["w"] = nn.Parameter(torch.randn(classes, cin) * 0.01)
        self.p["b"] = nn.Parameter(torch.zeros(classes))

    def add(self, key, cin, cout, k):
        self.p[f"{key}_w"] = kaiming(cout, cin, k)
        self.p[f"{key}_g"] = nn.Parameter(torch.ones(cout))
        self.p[f"{key}_s"] = nn.Parameter(torch.zeros(cout))
        self.register_buffer(f"{key}_mean", torch.zeros(cout))
        self.register_buffer(f"{key}_var", torch.ones(cout))

    def add_block(self, key, cin, width, cout, stride):
        if self.bottleneck:
            self.add(f"{key}_a", cin, width, 1)
            self.add(f"{key}_b", width, width, 3)
            self.add(f"{key}_c", width, cout, 1)
        else:
            self.add(f"{key}_a", cin, width, 3)
            self.add(f"{key}_b", width, cout, 3)
        if stride != 1 or cin != cout:
            self.add(f"{key}_p", cin, cout, 1)

    def conv(self, x, key, stride=1, pad=0):
        return F.conv2d(x, self.p[f"{key}_w"], None, stride, pad)

    def norm(self, x, key):
        mean, var = getattr(self, f"{key}_mean"), getattr(self, f"{key}_var")
        return F.batch_norm(
            x, mean, var, self.p[f"{key}_g"], self.p[f"{key}_s"], training=self.training
        )

    def conv_norm(self, x, key, stride=1, pad=0):
        return self.norm(self.conv(x, key, stride, pad), key)

    def branch(self, x, key, stride):
        if not self.bottleneck:
            y = F.relu(self.conv_norm(x, f"{key}_a", stride, 1))
            return self.conv_norm(y, f"{key}_b", 1, 1)
        y = F.relu(self.conv_norm(x, f"{key}_a"))
        y = F.relu(self.conv_norm(y, f"{key}_b", stride, 1))
        return self.conv_norm(y, f"{key}_c")

    def shortcut(self, x, key, stride):
        return self.conv_norm(x, f"{key}_p", stride) if f"{key}_p_w" in self.p else x

    def block(self, x, key, stride):
        return F.relu(self.branch(x, key, stride) + self.shortcut(x, key, stride))

    def stem(self, x):
        if self.cifar:
            return F.relu(self.conv_norm(x, "stem", 1, 1))
        x = F.relu(self.conv_norm(x, "stem", 2, 3))
        return F.max_pool2d(x, 3, 2, 1)

    def pool(self, x):
        return F.adaptive_avg_pool2d(x, 1).flatten(1)

    def head(self, x):
        return F.linear(self.pool(x), self.p["w"], self.p["b"])

    def forward(self, x):
        x = self.stem(x)
        for key, stride in self.plan:
            x = self.block(x, key, stride)
        return self.head(x)


# Padding


class ExplicitPadding(FunctionalResNet):
    """Pads with an operator of its own and convolves with what is there."""

    def conv(self, x, key, stride=1, pad=0):
        return F.conv2d(F.pad(x, (pad,) * 4), self.p[f"{key}_w"], stride=stride, padding="valid")


class KernelsLast(FunctionalResNet):
    """Weights are stored as TensorFlow and JAX store them: height, width, in, out."""

    def add(self, key, cin, cout, k):
        super().add(key, cin, cout, k)
        self.p[f"{key}_w"] = nn.Parameter(kaiming(cout, cin, k).detach().permute(2, 3, 1, 0))

    def conv(self, x, key, stride=1, pad=0):
        return F.conv2d(x, self.p[f"{key}_w"].permute(3, 2, 0, 1), None, stride, pad)


class SameWhereItMayBe(FunctionalResNet):
    """padding="same" is not to be had for strided convolutions."""

    def conv(self, x, key, stride=1, pad=0):
        padding = "same" if stride == 1 else pad
        return torch.conv2d(x, self.p[f"{key}_w"], stride=(stride, stride), padding=padding)


class PaddedPool(FunctionalResNet):
    """Minus infinity around the map, as the max pool itself would put there."""

    def stem(self, x):
        x = F.relu(self.conv_norm(x, "stem", 2, 3))
        return F.max_pool2d(F.pad(x, (1, 1, 1, 1), value=float("-inf")), 3, 2)


class ZeroPaddedPool(FunctionalResNet):
    """After a ReLU zeros change no maximum."""

    def stem(self, x):
        x = F.relu(self.conv_norm(x, "stem", 2, 3))
        return F.max_pool2d(nn.ZeroPad2d(1)(x), 3, 2)


class LargestOfWindows(FunctionalResNet):
    """Windows along the rows, then along the columns."""

    def stem(self, x):
        x = F.relu(self.conv_norm(x, "stem", 2, 3))
        x = F.pad(x, (1, 1, 1, 1), value=float("-inf"))
        return x.unfold(2, 3, 2).unfold(3, 3, 2).amax((-1, -2))


class LargestOfColumns(FunctionalResNet):
    """Zeros around the map, which change no maximum."""

    def stem(self, x):
        x = F.relu(self.conv_norm(x, "stem", 2, 3))
        batch, channels, *size = x.shape
        columns = F.unfold(x, 3, padding=1, stride=2).view(batch, channels, 9, -1)
        return columns.max(2)[0].view(batch, channels, *((n + 1) // 2 for n in size))


class PoolBeforeRelu(FunctionalResNet):
    """The largest of what is rectified is the largest, rectified."""

    def stem(self, x):
        return F.relu(F.max_pool2d(self.conv_norm(x, "stem", 2, 3), 3, 2, 1))


# Pooling and classifying


class SumPool(FunctionalResNet):
    def pool(self, x):
        return x.sum((2, 3)) / (x.shape[2] * x.shape[3])


class MeanOfMeans(FunctionalResNet):
    def pool(self, x):
        return x.mean(-1).mean(-1)


class MeanOfPixels(FunctionalResNet):
    def pool(self, x):
        return x.view(x.size(0), x.size(1), -1).mean(2)


class WholeMapPool(FunctionalResNet):
    def pool(self, x):
        return F.avg_pool2d(x, kernel_size=x.shape[2:]).view(x.size(0), -1)


class Pool8(FunctionalResNet):
    """Made for images of 32x32."""

    def pool(self, x):
        return F.avg_pool2d(x, 8).squeeze(3).squeeze(2)


class EinsumHead(FunctionalResNet):
    def head(self, x):
        return torch.einsum("nc,kc->nk", self.pool(x), self.p["w"]) + self.p["b"]


class MatmulHead(FunctionalResNet):
    def head(self, x):
        return self.pool(x) @ self.p["w"].t() + self.p["b"]


class AddmmHead(FunctionalResNet):
    def head(self, x):
        return torch.addmm(self.p["b"], self.pool(x), self.p["w"].T)


class ConvHead(FunctionalResNet):
    """The classifier as a 1x1 convolution of the pooled map."""

    def head(self, x):
        x = x.mean((2, 3), keepdim=True)
        return F.conv2d(x, self.p["w"][:, :, None, None], self.p["b"])[..., 0, 0]


class MapOfClasses(FunctionalResNet):
    """A map of classes first, of which the mean is taken."""

    def head(self, x):
        return F.conv2d(x, self.p["w"][:, :, None, None], self.p["b"]).mean((2, 3))


# Adding and rectifying


class AddInPlace(FunctionalResNet):
    def block(self, x, key, stride):
        y = self.branch(x, key, stride)
        y.add_(self.shortcut(x, key, stride))
        return F.relu_(y)


class AddWithAlpha(FunctionalResNet):
    """torch.add(a, b, alpha=1), the shortcut first."""

    def block(self, x, key, stride):
        y = torch.add(self.shortcut(x, key, stride), self.branch(x, key, stride), alpha=1)
        return y.relu()


class AddOut(FunctionalResNet):
    """Writes into the branch's own memory where no gradient is wanted."""

    def block(self, x, key, stride):
        y, z = self.branch(x, key, stride), self.shortcut(x, key, stride)
        y = y + z if torch.is_grad_enabled() else torch.add(y, z, out=y)
        return torch.relu_(y)


class SumOfPaths(FunctionalResNet):
    """The sum of a list, as Python adds it up: from zero on."""

    def block(self, x, key, stride):
        return torch.relu(sum([self.branch(x, key, stride), self.shortcut(x, key, stride)]))


class ClampedBlocks(FunctionalResNet):
    def block(self, x, key, stride):
        return (self.branch(x, key, stride) + self.shortcut(x, key, stride)).clamp(min=0)


class ClampedInPlace(FunctionalResNet):
    def block(self, x, key, stride):
        return (self.branch(x, key, stride) + self.shortcut(x, key, stride)).clamp_min_(0.0)


class MaximumWithZero(FunctionalResNet):
    def block(self, x, key, stride):
        y = self.branch(x, key, stride) + self.shortcut(x, key, stride)
        return torch.maximum(y, torch.zeros_like(y))


class MaximumWithOneZero(FunctionalResNet):
    def block(self, x, key, stride):
        y = self.branch(x, key, stride) + self.shortcut(x, key, stride)
        return torch.maximum(y, torch.tensor(0.0))


class Threshold(FunctionalResNet):
    def block(self, x, key, stride):
        return F.threshold(self.branch(x, key, stride) + self.shortcut(x, key, stride), 0.0, 0.0)


# Where the channels stand


class BlocksLast(FunctionalResNet):
    """NHWC between the blocks, NCHW for every convolution."""

    def block(self, x, key, stride):
        x = x.permute(0, 3, 1, 2)
        return super().block(x, key, stride).permute(0, 2, 3, 1)

    def stem(self, x):
        return super().stem(x).permute(0, 2, 3, 1).contiguous()

    def pool(self, x):
        return x.mean((1, 2))


class Stateless(nn.Module):
    """The weights here, the computation in a network that is never registered."""

    def __init__(self, net):
        super().__init__()
        self.names = [name for name, _ in net.named_parameters()]
        self.weights = nn.ParameterList(net.parameters())
        self.statistics = [name for name, _ in net.named_buffers()]
        for name, buffer in net.named_buffers():
            self.register_buffer(name.replace(".", "_"), buffer)
        object.__setattr__(self, "net", net)

    def forward(self, x):
        self.net.train(self.training)
        tensors = dict(zip(self.names, self.weights, strict=True))
        tensors.update({n: getattr(self, n.replace(".", "_")) for n in self.statistics})
        return torch.func.functional_call(self.net, tensors, (x,))


def resnet18():
    return FunctionalResNet(18)


def resnet20():
    return FunctionalResNet(20)


def resnet34():
    return FunctionalResNet(34)


def resnet50():
    return FunctionalResNet(50)


def explicit_padding():
    return ExplicitPadding(18)


def same_where_it_may_be():
    return SameWhereItMayBe(18)


def largest_of_windows():
    return LargestOfWindows(18)


def largest_of_columns():
    return LargestOfColumns(18)


def pool_before_relu():
    return PoolBeforeRelu(18)


def padded_pool():
    return PaddedPool(18)


def zero_padded_pool():
    return ZeroPaddedPool(18)


def sum_pool():
    return SumPool(20)


def mean_of_means():
    return MeanOfMeans(20)


def mean_of_pixels():
    return MeanOfPixels(20)


def whole_map_pool():
    return WholeMapPool(20)


def pool_8():
    return Pool8(20)


def einsum_head():
    return EinsumHead(20)


def matmul_head():
    return MatmulHead(20)


def addmm_head():
    return AddmmHead(20)


def kernels_last():
    return KernelsLast(20)


def conv_head():
    return ConvHead(20)


def map_of_classes():
    return MapOfClasses(20)


def add_in_place():
    return AddInPlace(20)


def add_with_alpha():
    return AddWithAlpha(20)


def add_out():
    return AddOut(20)


def sum_of_paths():
    return SumOfPaths(20)


def clamped_blocks():
    return ClampedBlocks(20)


def clamped_in_place():
    return ClampedInPlace(20)


def maximum_with_zero():
    return MaximumWithZero(20)


def maximum_with_one_zero():
    return MaximumWithOneZero(20)


def threshold():
    return Threshold(20)


def blocks_last():
    return BlocksLast(20)


def stateless():
    return Stateless(resnet20())
