"""ResNet the way timm writes it: placeholders for everything that a variant may switch on."""

import torch
from torch import nn
from torch.nn import functional as F


class DropPath(nn.Module):
    """Stochastic depth."""

    def __init__(self, drop_prob=0.0, scale_by_keep=True):
        super().__init__()
        self.drop_prob = drop_prob
        self.scale_by_keep = scale_by_keep

    def forward(self, x):
        if self.drop_prob == 0.0 or not self.training:
            return x
        keep_prob = 1 - self.drop_prob
        random_tensor = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep_prob)
        if self.scale_by_keep:
            random_tensor.div_(keep_prob)
        return x * random_tensor


class BatchNormAct2d(nn.BatchNorm2d):
    """Norm and activation in one module; the sum is the parent's."""

    def __init__(self, num_features, apply_act=True):
        super().__init__(num_features)
        self.drop = nn.Identity()
        self.act = nn.ReLU(inplace=True) if apply_act else nn.Identity()

    def forward(self, x):
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
        x = F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum,
            self.eps,
        )
        return self.act(self.drop(x))


class SEModule(nn.Module):
    def __init__(self, channels, rd_ratio=1.0 / 16):
        super().__init__()
        rd_channels = int(channels * rd_ratio)
        self.fc1 = nn.Conv2d(channels, rd_channels, kernel_size=1, bias=True)
        self.bn = nn.Identity()
        self.act = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(rd_channels, channels, kernel_size=1, bias=True)
        self.gate = nn.Sigmoid()

    def forward(self, x):
        x_se = x.mean((2, 3), keepdim=True)
        x_se = self.fc1(x_se)
        x_se = self.act(self.bn(x_se))
        x_se = self.fc2(x_se)
        return x * self.gate(x_se)


class SELayer(nn.Module):
    """The same gate with fully connected layers."""

    def __init__(self, channel, reduction=16):
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channel, channel // reduction),
            nn.ReLU(inplace=True),
            nn.Linear(channel // reduction, channel),
            nn.Sigmoid(),
        )

    def forward(self, x):
        b, c, _, _ = x.size()
        y = self.avg_pool(x).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(
        self,
        inplanes,
        planes,
        stride=1,
        downsample=None,
        dilation=1,
        first_dilation=None,
        attn_layer=None,
        drop_path=0.0,
    ):
        super().__init__()
        first = first_dilation or dilation
        self.conv1 = nn.Conv2d(
            inplanes, planes, 3, stride, padding=first, dilation=first, bias=False
        )
        self.bn1 = nn.BatchNorm2d(planes)
        self.drop_block = nn.Identity()
        self.act1 = nn.ReLU(inplace=True)
        self.aa = nn.Identity()
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.se = attn_layer(planes) if attn_layer is not None else None
        self.act2 = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.drop_path = DropPath(drop_path) if drop_path > 0 else None

    def branch(self, x):
        x = self.aa(self.act1(self.drop_block(self.bn1(self.conv1(x)))))
        x = self.bn2(self.conv2(x))
        if self.se is not None:
            x = self.se(x)
        return x

    def forward(self, x):
        shortcut = x
        x = self.branch(x)
        if self.drop_path is not None:
            x = self.drop_path(x)
        if self.downsample is not None:
            shortcut = self.downsample(shortcut)
        x += shortcut
        return self.act2(x)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(
        self,
        inplanes,
        planes,
        stride=1,
        downsample=None,
        dilation=1,
        first_dilation=None,
        attn_layer=None,
        drop_path=0.0,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, kernel_size=1, bias=False)
        self.bn1 = BatchNormAct2d(planes)
        first = first_dilation or dilation
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=first, dilation=first, bias=False)
        self.bn2 = BatchNormAct2d(planes)
        self.aa = nn.Identity()
        self.conv3 = nn.Conv2d(planes, planes * 4, kernel_size=1, bias=False)
        self.bn3 = BatchNormAct2d(planes * 4, apply_act=False)
        self.se = attn_layer(planes * 4) if attn_layer is not None else None
        self.act3 = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.drop_path = DropPath(drop_path) if drop_path > 0 else None

    def branch(self, x):
        x = self.bn1(self.conv1(x))
        x = self.aa(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        if self.se is not None:
            x = self.se(x)
        return x

    def forward(self, x):
        shortcut = x
        x = self.branch(x)
        if self.drop_path is not None:
            x = self.drop_path(x)
        if self.downsample is not None:
            shortcut = self.downsample(shortcut)
        x += shortcut
        return self.act3(x)


def downsample_conv(in_chs, out_chs, stride):
    conv = nn.Conv2d(in_chs, out_chs, 1, stride=stride, padding=0, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_chs))


def downsample_avg(in_chs, out_chs, stride):
    pool = nn.Identity()
    if stride != 1:
        pool = nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False)
    conv = nn.Conv2d(in_chs, out_chs, 1, stride=1, padding=0, bias=False)
    return nn.Sequential(*[pool, conv, nn.BatchNorm2d(out_chs)])


class FastAdaptiveAvgPool(nn.Module):
    def __init__(self, flatten=True):
        super().__init__()
        self.flatten = flatten

    def forward(self, x):
        return x.mean((2, 3), keepdim=not self.flatten)


class ResNet(nn.Module):
    """`special` maps (stage, block) to the class used in that one place."""

    def __init__(
        self,
        block,
        layers,
        num_classes=1000,
        in_chans=3,
        output_stride=32,
        stem_type="",
        avg_down=False,
        attn_layer=None,
        drop_rate=0.0,
        zero_init_last=True,
        special=None,
    ):
        super().__init__()
        self.num_classes = num_classes
        self.drop_rate = drop_rate
        self.grad_checkpointing = False
        self.inplanes = 64
        if stem_type == "deep":
            self.conv1 = nn.Sequential(
                nn.Conv2d(in_chans, 32, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(32),
                nn.ReLU(inplace=True),
                nn.Conv2d(32, 32, 3, stride=1, padding=1, bias=False),
                nn.BatchNorm2d(32),
                nn.ReLU(inplace=True),
                nn.Conv2d(32, 64, 3, stride=1, padding=1, bias=False),
            )
        else:
            self.conv1 = nn.Conv2d(in_chans, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.act1 = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

        options = {"attn_layer": attn_layer}
        net_stride, dilation, prev_dilation = 4, 1, 1
        down = downsample_avg if avg_down else downsample_conv
        for stage, count in enumerate(layers, start=1):
            planes, stride = 32 << stage, 1 if stage == 1 else 2
            if net_stride >= output_stride:
                dilation *= stride
                stride = 1
            else:
                net_stride *= stride
            blocks = []
            for index in range(count):
                kind = (special or {}).get((stage, index), block)
                shortcut = None
                if index == 0 and (stride != 1 or self.inplanes != planes * block.expansion):
                    shortcut = down(self.inplanes, planes * block.expansion, stride)
                blocks.append(
                    kind(
                        self.inplanes,
                        planes,
                        stride if index == 0 else 1,
                        shortcut,
                        dilation=dilation,
                        first_dilation=prev_dilation,
                        **options,
                    )
                )
                prev_dilation = dilation
                self.inplanes = planes * block.expansion
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))

        self.num_features = 512 * block.expansion
        self.global_pool = FastAdaptiveAvgPool()
        self.fc = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()
        if zero_init_last:
            for module in self.modules():
                if isinstance(module, (BasicBlock, Bottleneck)):
                    last = module.bn2 if isinstance(module, BasicBlock) else module.bn3
                    nn.init.zeros_(last.weight)

    @torch.jit.ignore
    def group_matcher(self, coarse=False):
        return {"stem": r"^conv1|bn1|maxpool", "blocks": r"^layer(\d+)"}

    def get_classifier(self):
        return self.fc

    def forward_features(self, x):
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.act1(x)
        x = self.maxpool(x)
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        return self.layer4(x)

    def forward_head(self, x, pre_logits: bool = False):
        x = self.global_pool(x)
        if self.drop_rate:
            x = F.dropout(x, p=float(self.drop_rate), training=self.training)
        return x if pre_logits else self.fc(x)

    def forward(self, x):
        x = self.forward_features(x)
        return self.forward_head(x)


def resnet18(net=ResNet, **kwargs):
    return net(BasicBlock, [2, 2, 2, 2], **kwargs)


def resnet34(net=ResNet, **kwargs):
    return net(BasicBlock, [3, 4, 6, 3], **kwargs)


def resnet50(net=ResNet, **kwargs):
    return net(Bottleneck, [3, 4, 6, 3], **kwargs)


def resnet34d():
    """Without a projection in stage 1, where nothing changes."""
    return resnet34(stem_type="deep", avg_down=True)


def resnet18_deep_stem(**kwargs):
    return resnet18(stem_type="deep", **kwargs)


def seresnet50():
    return resnet50(attn_layer=SEModule)


def resnet18_se():
    return resnet18(attn_layer=SEModule)


def seresnet18(**kwargs):
    return resnet18(attn_layer=SELayer, **kwargs)


def resnet18_os16():
    return resnet18(output_stride=16)


def no_classifier():
    return resnet18(num_classes=0)
