"""The ResNet-50 for CIFAR-10 of MindSpore's own tutorial, as published and padded explicitly."""

from mindspore import nn
from mindspore.common.initializer import Normal

weight_init = Normal(mean=0, sigma=0.02)
gamma_init = Normal(mean=1, sigma=0.02)


def padded(kernel_size):
    return {"pad_mode": "pad", "padding": kernel_size // 2}


def published(kernel_size):
    """`pad_mode` is "same" unless told otherwise, and pads by the size of the image."""
    return {}


class ResidualBlock(nn.Cell):
    expansion = 4

    def __init__(self, in_channel, out_channel, stride=1, down_sample=None, padding=padded):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channel, out_channel, kernel_size=1, weight_init=weight_init)
        self.norm1 = nn.BatchNorm2d(out_channel)
        self.conv2 = nn.Conv2d(out_channel, out_channel, kernel_size=3, stride=stride,
                               weight_init=weight_init, **padding(3))  # fmt: skip
        self.norm2 = nn.BatchNorm2d(out_channel)
        self.conv3 = nn.Conv2d(out_channel, out_channel * self.expansion, kernel_size=1,
                               weight_init=weight_init)  # fmt: skip
        self.norm3 = nn.BatchNorm2d(out_channel * self.expansion)
        self.relu = nn.ReLU()
        self.down_sample = down_sample

    def construct(self, x):
        identity = x
        out = self.conv1(x)
        out = self.norm1(out)
        out = self.relu(out)
        out = self.conv2(out)
        out = self.norm2(out)
        out = self.relu(out)
        out = self.conv3(out)
        out = self.norm3(out)
        if self.down_sample is not None:
            identity = self.down_sample(x)
        out += identity
        out = self.relu(out)
        return out


def make_layer(last_out_channel, block, channel, block_nums, stride=1, padding=padded):
    down_sample = None
    if stride != 1 or last_out_channel != channel * block.expansion:
        down_sample = nn.SequentialCell([
            nn.Conv2d(last_out_channel, channel * block.expansion, kernel_size=1, stride=stride,
                      weight_init=weight_init),
            nn.BatchNorm2d(channel * block.expansion, gamma_init=gamma_init),
        ])  # fmt: skip
    layers = [block(last_out_channel, channel, stride, down_sample, padding)]
    in_channel = channel * block.expansion
    for _ in range(1, block_nums):
        layers.append(block(in_channel, channel, padding=padding))
    return nn.SequentialCell(layers)


class ResNet(nn.Cell):
    def __init__(self, block, layer_nums, num_classes, input_channel, padding=padded):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, weight_init=weight_init,
                               **padding(7))  # fmt: skip
        self.norm = nn.BatchNorm2d(64)
        self.max_pool = nn.MaxPool2d(
            kernel_size=3, stride=2, **(padding(3) or {"pad_mode": "same"})
        )
        self.layer1 = make_layer(64, block, 64, layer_nums[0], 1, padding)
        self.layer2 = make_layer(256, block, 128, layer_nums[1], 2, padding)
        self.layer3 = make_layer(512, block, 256, layer_nums[2], 2, padding)
        self.layer4 = make_layer(1024, block, 512, layer_nums[3], 2, padding)
        self.avg_pool = nn.AvgPool2d()  # of one pixel: at 32x32 there is one left
        self.flatten = nn.Flatten()
        self.fc = nn.Dense(in_channels=input_channel, out_channels=num_classes)

    def construct(self, x):
        x = self.conv1(x)
        x = self.norm(x)
        x = self.relu(x)
        x = self.max_pool(x)
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.layer4(x)
        x = self.avg_pool(x)
        x = self.flatten(x)
        x = self.fc(x)
        return x


def resnet50(padding=padded):
    return ResNet(ResidualBlock, [3, 4, 6, 3], 10, 2048, padding)


def resnet50_as_published():
    return resnet50(published)
