"""ResNet-18 and -34 as in Dive into Deep Learning: a residual class and nn.Sequential.

Its convolutions have biases, and its projection is a bare 1x1 convolution.
"""

from paddle import nn
from paddle.nn import functional as F


class Residual(nn.Layer):
    def __init__(self, input_channels, num_channels, use_1x1conv=False, strides=1):
        super().__init__()
        self.conv1 = nn.Conv2D(input_channels, num_channels, 3, padding=1, stride=strides)
        self.conv2 = nn.Conv2D(num_channels, num_channels, 3, padding=1)
        self.conv3 = None
        if use_1x1conv:
            self.conv3 = nn.Conv2D(input_channels, num_channels, 1, stride=strides)
        self.bn1 = nn.BatchNorm2D(num_channels)
        self.bn2 = nn.BatchNorm2D(num_channels)

    def forward(self, X):
        Y = F.relu(self.bn1(self.conv1(X)))
        Y = self.bn2(self.conv2(Y))
        if self.conv3:
            X = self.conv3(X)
        Y += X
        return F.relu(Y)


def resnet_block(input_channels, num_channels, num_residuals, first_block=False, kind=Residual):
    blk = []
    for i in range(num_residuals):
        if i == 0 and not first_block:
            blk.append(kind(input_channels, num_channels, use_1x1conv=True, strides=2))
        else:
            blk.append(kind(num_channels, num_channels))
    return blk


def build(counts, num_classes, in_channels=1, pool=None, kind=Residual):
    b1 = nn.Sequential(
        nn.Conv2D(in_channels, 64, kernel_size=7, stride=2, padding=3),
        nn.BatchNorm2D(64),
        nn.ReLU(),
        nn.MaxPool2D(kernel_size=3, stride=2, padding=1),
    )
    b2 = nn.Sequential(*resnet_block(64, 64, counts[0], first_block=True, kind=kind))
    b3 = nn.Sequential(*resnet_block(64, 128, counts[1], kind=kind))
    b4 = nn.Sequential(*resnet_block(128, 256, counts[2], kind=kind))
    b5 = nn.Sequential(*resnet_block(256, 512, counts[3], kind=kind))
    pool = pool or nn.AdaptiveAvgPool2D((1, 1))
    return nn.Sequential(b1, b2, b3, b4, b5, pool, nn.Flatten(), nn.Linear(512, num_classes))


def fashion_mnist():
    return build((2, 2, 2, 2), 10)


def cifar10_at_96():
    """For 96x96 inputs: the last map is 3x3, of which AvgPool2D(2) leaves one value."""
    return build((2, 2, 2, 2), 10, in_channels=3, pool=nn.AvgPool2D(2))


def resnet34():
    return build((3, 4, 6, 3), 1000, in_channels=3)
