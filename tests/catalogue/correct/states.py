"""Right networks in an unusual state: trained, in eval mode, float64, compiled, initialised."""

import numpy as np
import paddle
import paddle.nn as nn
from paddle import ParamAttr

from tests.catalogue.correct import classic, convbn, loops, timm_like


def zero_gamma():
    net = classic.resnet50()
    for layer in net.sublayers():
        if isinstance(layer, classic.Bottleneck):
            nn.initializer.Constant(0.0)(layer.bn3.weight)
    return net


def already_in_eval_mode():
    net = loops.resnet50()
    net.eval()
    return net


def trained():
    """Parameters and running statistics as after training: nothing is at its default."""
    net = classic.resnet50()
    draw = np.random.default_rng(3)
    for name, tensor in net.state_dict().items():
        value = tensor.numpy()
        if name.endswith("_variance"):
            value = draw.gamma(2.0, 0.5, value.shape) + 0.05
        elif value.ndim == 1:
            value = value * 0.8 + 0.2 * draw.standard_normal(value.shape)
        tensor.set_value(value.astype("float32"))
    return net


def float64():
    before = paddle.get_default_dtype()
    paddle.set_default_dtype("float64")
    try:
        return classic.resnet18()
    finally:
        paddle.set_default_dtype(before)


def compiled():
    return paddle.jit.to_static(timm_like.resnet18())


class DecoratedForward(classic.ResNet):
    @paddle.jit.to_static
    def forward(self, x):
        return super().forward(x)


def decorated():
    return classic.resnet18(DecoratedForward)


class NamedNet(nn.Layer):
    """Every parameter has a name of its own, an initialiser and a decay, as of old."""

    def __init__(self):
        super().__init__()
        self.entry = [self.conv("conv1", 3, 64, 7, 2)]
        self.pool = nn.MaxPool2D(3, 2, 1)
        self.units = []
        cin = 64
        for stage in range(4):
            cout = 64 * 2**stage
            for index in range(2):
                name = f"res{stage + 2}{'ab'[index]}"
                stride = 2 if stage and not index else 1
                first = self.conv(f"{name}_branch2a", cin, cout, 3, stride)
                second = self.conv(f"{name}_branch2b", cout, cout, 3, act=None)
                short = None
                if stride > 1:
                    short = self.conv(f"{name}_branch1", cin, cout, 1, stride, act=None)
                self.units.append((first, second, short))
                cin = cout
        self.out = nn.Linear(
            512,
            1000,
            weight_attr=ParamAttr(name="fc_0.w_0", initializer=nn.initializer.Uniform(-0.1, 0.1)),
            bias_attr=ParamAttr(name="fc_0.b_0"),
        )

    def conv(self, name, cin, cout, k, stride=1, act="relu"):
        bn_name = "bn_" + name if name == "conv1" else "bn" + name[3:]
        layer = nn.Sequential(
            nn.Conv2D(
                cin,
                cout,
                k,
                stride,
                (k - 1) // 2,
                weight_attr=ParamAttr(
                    name=name + "_weights",
                    initializer=nn.initializer.KaimingNormal(),
                    regularizer=paddle.regularizer.L2Decay(1e-4),
                ),
                bias_attr=False,
            ),
            nn.BatchNorm(
                cout,
                act=act,
                param_attr=ParamAttr(name=bn_name + "_scale"),
                bias_attr=ParamAttr(bn_name + "_offset"),
                moving_mean_name=bn_name + "_mean",
                moving_variance_name=bn_name + "_variance",
            ),
        )
        return self.add_sublayer(name, layer)

    def forward(self, x):
        x = self.pool(self.entry[0](x))
        for first, second, short in self.units:
            shortcut = x if short is None else short(x)
            x = nn.functional.relu(paddle.add(shortcut, second(first(x))))
        return self.out(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


def named_parameters():
    return NamedNet()


def no_weight_decay():
    net = convbn.resnet18_vb()
    for parameter in net.parameters():
        parameter.optimize_attr = {"learning_rate": 0.1 if parameter.ndim > 1 else 1.0}
        parameter.no_weight_decay = parameter.ndim == 1
    return net


def with_hooks():
    """A hook that only looks does not change the function."""
    net = classic.resnet18()
    seen = []

    def look(layer, inputs, output):
        seen.append(tuple(output.shape))
        del seen[:-8]

    for stage in (net.layer1, net.layer2, net.layer3, net.layer4):
        stage.register_forward_post_hook(look)
    return net


class GluedBlock(nn.Layer):
    """Its names say the opposite of what things are."""

    def __init__(self, a, b, s):
        super().__init__()
        self.bn = nn.Conv2D(a, b, 3, s, 1, bias_attr=False)
        self.conv = nn.BatchNorm2D(b)
        self.downsample = nn.ReLU()
        self.relu = nn.Conv2D(b, b, 3, 1, 1, bias_attr=False)
        self.fc = nn.BatchNorm2D(b)
        self.dropout = None
        if s == 2:
            self.dropout = nn.Sequential(nn.Conv2D(a, b, 1, s, bias_attr=False), nn.BatchNorm2D(b))

    def forward(self, conv1):
        layer1 = conv1 if self.dropout is None else self.dropout(conv1)
        conv1 = self.downsample(self.conv(self.bn(conv1)))
        return self.downsample(layer1 + self.fc(self.relu(conv1)))


def with_its_loss():
    """The loss travels with the network, and its weights for the classes are a buffer."""
    net = classic.resnet18()
    net.criterion = nn.CrossEntropyLoss()
    net.criterion.register_buffer("class_weights", paddle.ones([1000]))
    return net


def misleading_names():
    plan = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
    layers = [nn.Conv2D(3, 64, 7, 2, 3, bias_attr=False), nn.BatchNorm2D(64), nn.ReLU()]
    layers.append(nn.MaxPool2D(3, 2, 1))
    for a, b, s in plan:
        layers += [GluedBlock(a, b, s), GluedBlock(b, b, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2D(1), nn.Flatten(), nn.Linear(512, 1000))
