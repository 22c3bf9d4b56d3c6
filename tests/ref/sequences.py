"""Short sequences of layers: each kind of layer with each of its attributes."""

import numpy as np

from resnet_ref.layers import (
    AvgPool,
    BatchNorm,
    Conv,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool,
    PadShortcut,
    Relu,
    Softmax,
    SqueezeExcite,
    ZeroPad,
)
from resnet_ref.layout import Network

FLAT = (GlobalAvgPool(), Flatten())

# Sequences of layers, each with its input shape and whether it trains.
SEQUENCES = {
    "conv": ((Conv(3, 4, (3, 2), (2, 1), (1, 0, 2, 1), (1, 2), bias=True),), (2, 3, 7, 6)),
    "conv-1x1": ((Conv(4, 3, (1, 1), (2, 2)),), (2, 4, 5, 4)),
    "conv-grouped": ((Conv(6, 4, (3, 3), (2, 2), (1, 1, 1, 1), groups=2),), (2, 6, 5, 7)),
    "norm": ((BatchNorm(3),), (3, 3, 4, 5)),
    "norm-plain": ((BatchNorm(3, affine=False),), (3, 3, 4, 5)),
    "norm-frozen": ((BatchNorm(3, statistics="running"),), (3, 3, 4, 5)),
    "relu": ((Relu(),), (2, 3, 4, 5)),
    "pad": ((ZeroPad((1, 0, 2, 3)),), (2, 3, 4, 5)),
    "max-pool": ((MaxPool((3, 2), (2, 2), (1, 1, 1, 0)),), (2, 3, 7, 6)),
    "max-pool-ceil": ((MaxPool((3, 3), (2, 2), ceil_mode=True),), (2, 3, 8, 7)),
    "avg-pool": ((AvgPool((3, 3), (2, 2), (1, 1, 1, 1)),), (2, 3, 7, 6)),
    "avg-pool-ceil": ((AvgPool((2, 2), (2, 2), ceil_mode=True),), (2, 3, 5, 7)),
    "avg-pool-padded": (
        (AvgPool((3, 3), (2, 2), (1, 0, 1, 1), ceil_mode=True, count_include_pad=True),),
        (2, 3, 8, 7),
    ),
    "global-pool": ((GlobalAvgPool(),), (2, 3, 4, 5)),
    "linear": ((*FLAT, Linear(4, 3)), (3, 4, 2, 3)),
    "linear-plain": ((*FLAT, Linear(4, 3, bias=False)), (3, 4, 2, 3)),
    "softmax": ((*FLAT, Softmax()), (3, 4, 2, 3)),
    "log-softmax": ((*FLAT, Softmax(log=True)), (3, 4, 2, 3)),
    "padded-shortcut": ((PadShortcut(2, 1, 3),), (2, 3, 5, 4)),
    "squeeze-excite": ((SqueezeExcite(6, 3),), (2, 6, 3, 4)),
    "squeeze-excite-plain": ((SqueezeExcite(6, 3, bias=False),), (2, 6, 3, 4)),
}


def sequence(name):
    described, shape = SEQUENCES[name]
    return Network(described, (), ()), np.random.default_rng(5).normal(size=shape)
