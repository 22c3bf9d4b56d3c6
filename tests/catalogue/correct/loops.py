"""ResNet from a table of stages: lists and dicts of layers, loops in forward, odd names."""

from __future__ import annotations

import paddle
from paddle import nn

CONFIG = {
    "r18": ("basic", {"a": (64, 2, 1), "b": (128, 2, 2), "c": (256, 2, 2), "d": (512, 2, 2)}),
    "r34": ("basic", {"a": (64, 3, 1), "b": (128, 4, 2), "c": (256, 6, 2), "d": (512, 3, 2)}),
    "r50": ("bottle", {"a": (64, 3, 1), "b": (128, 4, 2), "c": (256, 6, 2), "d": (512, 3, 2)}),
}


def conv_kwargs(k, s):
    return {"kernel_size": k, "stride": s, "padding": k // 2, "bias_attr": False}


class Unit(nn.Layer):
    """A branch as two lists, its shortcut first; the one ReLU is handed in."""

    def __init__(self, kind, cin, width, stride, rectify):
        super().__init__()
        cout = width if kind == "basic" else 4 * width
        shapes = {
            "basic": [(cin, width, 3, stride), (width, cout, 3, 1)],
            "bottle": [(cin, width, 1, 1), (width, width, 3, stride), (width, cout, 1, 1)],
        }[kind]
        self.projected = stride > 1 or cin != cout
        if self.projected:
            self.match = nn.LayerList(
                [nn.Conv2D(cin, cout, **conv_kwargs(1, stride)), nn.BatchNorm2D(cout)]
            )
        self.filters = nn.LayerList([nn.Conv2D(i, o, **conv_kwargs(k, s)) for i, o, k, s in shapes])
        self.scales = nn.LayerList([nn.BatchNorm2D(o) for _, o, _, _ in shapes])
        self.rectify = rectify

    def forward(self, t):
        r = t
        if self.projected:
            for step in self.match:
                r = step(r)
        for n in range(len(self.filters)):
            if n > 0:
                t = self.rectify(t)
            t = self.scales[n](self.filters[n](t))
        return self.rectify(t + r)


class TableNet(nn.Layer):
    unit = Unit

    def __init__(self, config="r50", outputs=1000):
        super().__init__()
        kind, table = CONFIG[config] if isinstance(config, str) else config
        self.rectify = nn.ReLU()
        self.entry = nn.LayerDict(
            {
                "filter": nn.Conv2D(3, 64, **conv_kwargs(7, 2)),
                "scale": nn.BatchNorm2D(64),
                "rectify": self.rectify,
                "shrink": nn.MaxPool2D(3, 2, 1),
            }
        )
        self.body = nn.LayerDict()
        channels = 64
        for name, (width, count, stride) in table.items():
            units = nn.LayerList()
            for index in range(count):
                units.append(
                    self.unit(kind, channels, width, stride if index == 0 else 1, self.rectify)
                )
                channels = width if kind == "basic" else 4 * width
            self.body[name] = units
        self.exit = nn.Linear(channels, outputs)

    def forward(self, t):
        for step in self.entry.values():
            t = step(t)
        for units in self.body.values():
            for unit in units:
                t = unit(t)
        return self.exit(paddle.mean(t, axis=(2, 3)))


class HeadFirst(TableNet):
    """Makes its classifier, then its last stage, ..., then its stem."""

    def __init__(self, config="r18", outputs=1000):
        nn.Layer.__init__(self)
        kind, table = CONFIG[config]
        grow = 1 if kind == "basic" else 4
        self.exit = nn.Linear(512 * grow, outputs)
        self.rectify = nn.ReLU()
        made = {}
        widths = [64] + [width * grow for width, _, _ in table.values()]
        for position in reversed(range(len(table))):
            name, (width, count, stride) = list(table.items())[position]
            later = [
                self.unit(kind, width * grow, width, 1, self.rectify) for _ in range(count - 1)
            ]
            first = self.unit(kind, widths[position], width, stride, self.rectify)
            made[name] = nn.LayerList([first, *later])
            self.add_sublayer(f"units_{name}", made[name])
        self.made = {name: made[name] for name in table}
        self.scale = nn.BatchNorm2D(64)
        self.filter = nn.Conv2D(3, 64, **conv_kwargs(7, 2))

    def forward(self, t):
        t = self.rectify(self.scale(self.filter(t)))
        t = nn.functional.max_pool2d(t, 3, 2, 1)
        for units in self.made.values():
            for unit in units:
                t = unit(t)
        return self.exit(paddle.mean(t, axis=(2, 3)))


def resnet18():
    return TableNet("r18")


def resnet34():
    return TableNet("r34")


def resnet50():
    return TableNet("r50")


def head_first():
    return HeadFirst("r18")


def head_first_50():
    return HeadFirst("r50")
