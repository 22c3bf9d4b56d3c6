"""Loops over lists and dicts of layers, in the clothes of a Lightning module."""

from functools import reduce

import torch
from torch import nn

PLANS = {
    "r18": [(64, 2), (128, 2), (256, 2), (512, 2)],
    "r34": [(64, 3), (128, 4), (256, 6), (512, 3)],
}


class Unit(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(cin, cout, 3, stride, 1, bias=False),
                nn.Conv2d(cout, cout, 3, 1, 1, bias=False),
            ]
        )
        self.norms = nn.ModuleList([nn.BatchNorm2d(cout), nn.BatchNorm2d(cout)])
        self.match = nn.ModuleDict()
        if cin != cout or stride != 1:
            self.match["conv"] = nn.Conv2d(cin, cout, 1, stride, bias=False)
            self.match["norm"] = nn.BatchNorm2d(cout)

    def forward(self, t):
        shortcut = t
        for layer in self.match.values():
            shortcut = layer(shortcut)
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            t = norm(conv(t))
            t = torch.relu(t) if i == 0 else torch.relu(t + shortcut)
        return t


class LitResNet(nn.Module):
    """Everything that Lightning would call is here; the network is one of the things it has."""

    def __init__(self, plan="r18", num_classes=1000, lr=0.1, unit=Unit):
        super().__init__()
        self.hparams = {"plan": plan, "lr": lr}
        self.entry = nn.ModuleDict(
            {
                "conv": nn.Conv2d(3, 64, 7, 2, 3, bias=False),
                "norm": nn.BatchNorm2d(64),
                "act": nn.ReLU(),
                "pool": nn.MaxPool2d(3, 2, 1),
            }
        )
        self.stages = nn.ModuleList()
        cin = 64
        for number, (width, count) in enumerate(PLANS[plan]):
            units = nn.ModuleList()
            for index in range(count):
                units.append(unit(cin, width, 2 if number and index == 0 else 1))
                cin = width
            self.stages.append(units)
        self.exit = nn.Linear(cin, num_classes)
        self.loss = nn.CrossEntropyLoss()

    def forward(self, t):
        for layer in self.entry.values():
            t = layer(t)
        for units in self.stages:
            for unit in units:
                t = unit(t)
        return self.exit(t.mean(dim=(-2, -1)))

    def training_step(self, batch, batch_idx):
        images, labels = batch
        return self.loss(self(images), labels)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams["lr"], momentum=0.9)


class HeadFirst(LitResNet):
    """Registered in the order opposite to that of use, and folded with reduce."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("exit", "stages", "entry"):
            child = getattr(self, name)
            delattr(self, name)
            setattr(self, name, child)

    def forward(self, t):
        t = reduce(lambda value, layer: layer(value), self.entry.values(), t)
        t = reduce(lambda value, unit: unit(value), [u for us in self.stages for u in us], t)
        return self.exit(t.flatten(2).mean(2))


def resnet18(net=LitResNet, **kwargs):
    return net("r18", **kwargs)


def resnet34(net=LitResNet, **kwargs):
    return net("r34", **kwargs)


def head_first():
    return HeadFirst("r18")
