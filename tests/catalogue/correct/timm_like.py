"""ResNet the way timm writes it: placeholders for everything a variant may switch on."""

import paddle
import paddle.nn as nn


class DropPath(nn.Layer):
    """Stochastic depth."""

    def __init__(self, drop_prob=0.0):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        if self.drop_prob == 0.0 or not self.training:
            return x
        keep = 1 - self.drop_prob
        mask = paddle.bernoulli(paddle.full([x.shape[0], 1, 1, 1], keep))
        return x * mask / keep


class SEModule(nn.Layer):
    def __init__(self, channels, reduction=16):
        super().__init__()
        self.fc1 = nn.Conv2D(channels, channels // reduction, 1)
        self.act = nn.ReLU()
        self.fc2 = nn.Conv2D(channels // reduction, channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x):
        x_se = x.mean((2, 3), keepdim=True)
        x_se = self.fc2(self.act(self.fc1(x_se)))
        return x * self.gate(x_se)


class SELayer(nn.Layer):
    """The same gate with fully connected layers."""

    def __init__(self, channel, reduction=16):
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2D(1)
        self.fc = nn.Sequential(
            nn.Linear(channel, channel // reduction),
            nn.ReLU(),
            nn.Linear(channel // reduction, channel),
            nn.Sigmoid(),
        )

    def forward(self, x):
        b, c = x.shape[:2]
        y = self.fc(self.avg_pool(x).reshape([b, c])).reshape([b, c, 1, 1])
        return x * y.expand_as(x)


def norm_act(channels, act_layer):
    return nn.BatchNorm2D(channels), nn.Identity(), act_layer()


class BasicBlock(nn.Layer):
    expansion = 1

    def __init__(
        self,
        inplanes,
        planes,
        stride=1,
        downsample=None,
        dilation=1,
        attn_layer=None,
        drop_path=0.0,
    ):
        super().__init__()
        self.conv1 = nn.Conv2D(
            inplanes, planes, 3, stride, dilation, dilation=dilation, bias_attr=False
        )
        self.bn1, self.drop_block, self.act1 = norm_act(planes, nn.ReLU)
        self.aa = nn.Identity()
        self.conv2 = nn.Conv2D(planes, planes, 3, 1, dilation, dilation=dilation, bias_attr=False)
        self.bn2 = nn.BatchNorm2D(planes)
        self.se = attn_layer(planes) if attn_layer else None
        self.act2 = nn.ReLU()
        self.downsample = downsample
        self.drop_path = DropPath(drop_path)

    def branch(self, x):
        x = self.aa(self.act1(self.drop_block(self.bn1(self.conv1(x)))))
        x = self.bn2(self.conv2(x))
        return x if self.se is None else self.se(x)

    def forward(self, x):
        shortcut = x
        x = self.drop_path(self.branch(x))
        if self.downsample is not None:
            shortcut = self.downsample(shortcut)
        x += shortcut
        return self.act2(x)


class Bottleneck(nn.Layer):
    expansion = 4

    def __init__(
        self,
        inplanes,
        planes,
        stride=1,
        downsample=None,
        dilation=1,
        attn_layer=None,
        drop_path=0.0,
    ):
        super().__init__()
        self.conv1 = nn.Conv2D(inplanes, planes, 1, bias_attr=False)
        self.bn1, _, self.act1 = norm_act(planes, nn.ReLU)
        self.conv2 = nn.Conv2D(
            planes, planes, 3, stride, dilation, dilation=dilation, bias_attr=False
        )
        self.bn2, self.drop_block, self.act2 = norm_act(planes, nn.ReLU)
        self.aa = nn.Identity()
        self.conv3 = nn.Conv2D(planes, planes * 4, 1, bias_attr=False)
        self.bn3 = nn.BatchNorm2D(planes * 4)
        self.se = attn_layer(planes * 4) if attn_layer else None
        self.act3 = nn.ReLU()
        self.downsample = downsample
        self.drop_path = DropPath(drop_path)

    def branch(self, x):
        x = self.act1(self.bn1(self.conv1(x)))
        x = self.aa(self.act2(self.drop_block(self.bn2(self.conv2(x)))))
        x = self.bn3(self.conv3(x))
        return x if self.se is None else self.se(x)

    def forward(self, x):
        shortcut = x
        x = self.drop_path(self.branch(x))
        if self.downsample is not None:
            shortcut = self.downsample(shortcut)
        x += shortcut
        return self.act3(x)


def downsample_conv(cin, cout, stride):
    conv = nn.Conv2D(cin, cout, 1, stride=stride, bias_attr=False)
    return nn.Sequential(conv, nn.BatchNorm2D(cout))


def downsample_avg(cin, cout, stride):
    pool = nn.Identity()
    if stride != 1:
        pool = nn.AvgPool2D(2, stride, ceil_mode=True, exclusive=True)
    conv = nn.Conv2D(cin, cout, 1, bias_attr=False)
    return nn.Sequential(pool, conv, nn.BatchNorm2D(cout))


class ResNet(nn.Layer):
    def __init__(
        self,
        block,
        layers,
        num_classes=1000,
        stem_type="",
        avg_down=False,
        output_stride=32,
        attn_layer=None,
        drop_rate=0.0,
        zero_init_last=True,
        special=None,
    ):
        super().__init__()
        special = special or {}
        self.drop_rate = drop_rate
        self.num_features = 512 * block.expansion
        inplanes = 64
        if stem_type == "deep":
            self.conv1 = nn.Sequential(
                nn.Conv2D(3, 32, 3, 2, 1, bias_attr=False),
                nn.BatchNorm2D(32),
                nn.ReLU(),
                nn.Conv2D(32, 32, 3, 1, 1, bias_attr=False),
                nn.BatchNorm2D(32),
                nn.ReLU(),
                nn.Conv2D(32, 64, 3, 1, 1, bias_attr=False),
            )
        elif stem_type == "cifar":
            self.conv1 = nn.Conv2D(3, 64, 3, 1, 1, bias_attr=False)
        else:
            self.conv1 = nn.Conv2D(3, 64, 7, 2, 3, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(64)
        self.act1 = nn.ReLU()
        self.maxpool = nn.Identity() if stem_type == "cifar" else nn.MaxPool2D(3, 2, 1)

        stages = []
        net_stride, dilation, previous = 4, 1, 1
        for index, count in enumerate(layers):
            planes, stride = 64 * 2**index, 1 if index == 0 else 2
            if net_stride >= output_stride:
                dilation *= stride
                stride = 1
            else:
                net_stride *= stride
            blocks = []
            for i in range(count):
                down = None
                if i == 0 and (stride != 1 or inplanes != planes * block.expansion):
                    make = downsample_avg if avg_down else downsample_conv
                    down = make(inplanes, planes * block.expansion, stride)
                kind = special.get((index + 1, i), block)
                blocks.append(
                    kind(
                        inplanes,
                        planes,
                        stride if i == 0 else 1,
                        down,
                        dilation=previous if i == 0 else dilation,
                        attn_layer=attn_layer,
                    )
                )
                inplanes, previous = planes * block.expansion, dilation
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

        self.global_pool = nn.Sequential(nn.AdaptiveAvgPool2D(1), nn.Flatten(1))
        self.fc = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()
        if zero_init_last:
            for layer in self.sublayers():
                if isinstance(layer, (BasicBlock, Bottleneck)):
                    last = layer.bn2 if isinstance(layer, BasicBlock) else layer.bn3
                    nn.initializer.Constant(0.0)(last.weight)

    def no_weight_decay(self):
        return {name for name, p in self.named_parameters() if len(p.shape) == 1}

    def forward_features(self, x):
        x = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def forward_head(self, x):
        x = self.global_pool(x)
        if self.drop_rate:
            x = nn.functional.dropout(x, p=float(self.drop_rate), training=self.training)
        return self.fc(x)

    def forward(self, x):
        return self.forward_head(self.forward_features(x))


def resnet18(**kwargs):
    return ResNet(BasicBlock, [2, 2, 2, 2], **kwargs)


def resnet34(**kwargs):
    return ResNet(BasicBlock, [3, 4, 6, 3], **kwargs)


def resnet50(**kwargs):
    return ResNet(Bottleneck, [3, 4, 6, 3], **kwargs)


def resnet18_cifar_stem():
    return resnet18(stem_type="cifar", num_classes=100)


def resnet34_deep_stem():
    return resnet34(stem_type="deep")


def resnet50d(**kwargs):
    return resnet50(stem_type="deep", avg_down=True, **kwargs)


def resnet34d():
    return resnet34(stem_type="deep", avg_down=True)


def seresnet50(**kwargs):
    return resnet50(attn_layer=SEModule, **kwargs)


def seresnet18(**kwargs):
    return resnet18(attn_layer=SELayer, **kwargs)


def resnet50_os16():
    return resnet50(output_stride=16)


def no_classifier():
    return resnet50(num_classes=0)
