"""Wrong counts, widths and biases; blocks that are dead, shared, repeated or not registered."""

import paddle
import paddle.nn as nn
import paddle.nn.functional as F

from tests.catalogue.correct import cifar, classic, convbn, functional, loops, timm_like


class OneBlockShort(classic.ResNet):
    def __init__(self, block, layers, **kwargs):
        super().__init__(block, [3, 4, 5, 3], **kwargs)


class SwappedDepths(timm_like.ResNet):
    """Stages 2 and 3 have each other's number of blocks."""

    def __init__(self, block, layers, **kwargs):
        super().__init__(block, [3, 6, 4, 3], **kwargs)


class WideBlock(classic.Bottleneck):
    """Twice the inner width, in one block."""

    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs | {"base_width": 128})


class NarrowBlock(classic.Bottleneck):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs | {"base_width": 64})


class StemWidth32(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1 = nn.Conv2D(3, 32, 7, stride=2, padding=3, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(32)
        first = self.layer1[0]
        first.conv1 = nn.Conv2D(32, 64, 1, bias_attr=False)
        first.downsample[0] = nn.Conv2D(32, 256, 1, bias_attr=False)


class BasicBlockInside(classic.Bottleneck):
    """Two 3x3 convolutions at full width where a bottleneck belongs."""

    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        nn.Layer.__init__(self)
        cout = planes * 4
        self.conv1 = nn.Conv2D(inplanes, cout, 3, stride, 1, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(cout)
        self.conv2 = nn.Conv2D(cout, cout, 3, 1, 1, bias_attr=False)
        self.bn2 = nn.BatchNorm2D(cout)
        self.downsample = downsample

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + identity)


class ThreeConvs(cifar.BasicBlock):
    """A third convolution in a basic block."""

    def __init__(self, in_planes, planes, stride=1, option="A"):
        super().__init__(in_planes, planes, stride, option)
        self.conv3 = nn.Conv2D(planes, planes, 3, padding=1, bias_attr=False)
        self.bn3 = nn.BatchNorm2D(planes)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out)) + self.shortcut(x)
        return F.relu(out)


class BiasedEverywhere(classic.BasicBlock):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs)
        self.conv1 = nn.Conv2D(inplanes, planes, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2D(planes, planes, 3, padding=1)


class BiasedConv(timm_like.Bottleneck):
    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.conv3 = nn.Conv2D(planes, planes * 4, 1)


class BiasedStem(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1 = nn.Conv2D(3, 64, 7, stride=2, padding=3)


class BypassedBlock(convbn.ResNet):
    """The last block of stage 2 is computed and its result is dropped."""

    def forward(self, inputs):
        y = self.pool2d_max(self.stem(inputs))
        for i, block in enumerate(self.block_list):
            if i == 6:
                _ = block(y)
                continue
            y = block(y)
        return self.out(paddle.flatten(self.pool2d_avg(y), 1))


class SkippedBlock(timm_like.ResNet):
    """An off-by-one: the last block of stage 4 is never called."""

    def forward_features(self, x):
        x = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        x = self.layer3(self.layer2(self.layer1(x)))
        for i in range(len(self.layer4) - 1):
            x = self.layer4[i](x)
        return x


class RepeatedBlock(functional.FunctionalResNet):
    """A block of stage 3 is applied twice."""

    def __init__(self, *args):
        super().__init__(*args)
        self.plan.insert(6, self.plan[5])


class SharedBlocks(classic.ResNet):
    """`[block] * n`: five places, one set of weights."""

    def _make_layer(self, stage, block, planes, blocks, stride=1, dilate=False):
        stage_blocks = super()._make_layer(stage, block, planes, blocks, stride, dilate)
        if stage != 3:
            return stage_blocks
        first, second = stage_blocks[0], stage_blocks[1]
        return nn.Sequential(first, *([second] * (blocks - 1)))


class TiedConvs(classic.BasicBlock):
    """Both convolutions hold the same weight."""

    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.conv2.weight = self.conv1.weight


class OneConvTwice(timm_like.BasicBlock):
    def branch(self, x):
        x = self.act1(self.bn1(self.conv1(x)))
        return self.bn2(self.conv1(x))


class SharedProjection(loops.TableNet):
    """The norm of the first block's projection is that of its last convolution."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        unit = self.body["c"][0]
        unit.match[1] = unit.scales[1]


class PlainListOfBlocks(nn.Layer):
    """Stage 3 is a Python list: its blocks compute, and are no part of the model."""

    def __init__(self):
        super().__init__()
        net = classic.resnet18()
        self.conv1, self.bn1, self.relu, self.maxpool = (
            net.conv1,
            net.bn1,
            net.relu,
            net.maxpool,
        )
        self.layer1, self.layer2, self.layer4 = net.layer1, net.layer2, net.layer4
        self.layer3 = list(net.layer3)
        self.fc = net.fc

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer2(self.layer1(x))
        for block in self.layer3:
            x = block(x)
        return self.fc(self.layer4(x).mean([2, 3]))


class PlainDictOfParameters(functional.FunctionalResNet):
    """The classifier's weight lives in a dict, where no optimiser finds it."""

    def __init__(self, depth, classes=1000):
        super().__init__(depth, classes)
        self.classifier = {"weight": self.w, "bias": self.b}
        del self.w
        del self.b

    def head(self, x):
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return F.linear(x, self.classifier["weight"], self.classifier["bias"])


class UnusedConv(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.reduce = nn.Conv2D(2048, 512, 1, bias_attr=False)


class UnusedProjection(timm_like.BasicBlock):
    """Makes a projection, then adds the input itself."""

    def __init__(self, inplanes, planes, *args, **kwargs):
        super().__init__(inplanes, planes, *args, **kwargs)
        self.proj = timm_like.downsample_conv(inplanes, planes, 1)


class UnusedAuxiliaryHead(convbn.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.aux = nn.Linear(1024, 1000)


def one_block_short():
    return classic.resnet50(OneBlockShort)


def swapped_depths():
    return SwappedDepths(timm_like.BasicBlock, [3, 4, 6, 3])


def one_block_more():
    return classic.ResNet(classic.BasicBlock, [2, 2, 2, 3])


def cifar_stage_short():
    return cifar.ResNet([3, 3, 2])


def asked_for_50():
    return classic.resnet34()


def asked_for_vd():
    return convbn.resnet50_vc()


def wide_block():
    return classic.resnet50(special={(4, 1): WideBlock})


def narrow_block():
    return classic.wide_resnet50_2(special={(3, 5): NarrowBlock})


def last_stage_not_widened():
    """256 channels in the last stage, as in the one before."""
    kind, table = loops.CONFIG["r18"]
    return loops.TableNet((kind, table | {"d": (256, 2, 2)}))


def stem_width_32():
    return classic.resnet50(StemWidth32)


def basic_block_inside():
    return classic.resnet50(special={(2, 1): BasicBlockInside})


def three_convs():
    return cifar.resnet20_a(special={(3, 1): ThreeConvs})


def biases_everywhere():
    return classic.resnet18(block=BiasedEverywhere)


def biased_conv():
    return timm_like.resnet50(special={(2, 2): BiasedConv}, zero_init_last=False)


def biased_stem():
    return classic.resnet34(BiasedStem)


def bypassed_block():
    return BypassedBlock(34)


def skipped_block():
    return SkippedBlock(timm_like.Bottleneck, [3, 4, 6, 3])


def repeated_block():
    return RepeatedBlock(18)


def shared_blocks():
    return classic.resnet34(SharedBlocks)


def tied_convs():
    return classic.resnet18(special={(2, 1): TiedConvs})


def one_conv_twice():
    return timm_like.resnet18(special={(3, 1): OneConvTwice})


def shared_projection_norm():
    return SharedProjection("r18")


def plain_list_of_blocks():
    return PlainListOfBlocks()


def plain_dict_of_parameters():
    return PlainDictOfParameters(18)


def unused_conv():
    return classic.resnet50(UnusedConv)


def unused_projection():
    return timm_like.resnet18(special={(2, 1): UnusedProjection})


def unused_auxiliary_head():
    return UnusedAuxiliaryHead(50)
