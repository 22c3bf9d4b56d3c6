"""Models that return more than logits, or other things, or take more than an image."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from tests.catalogue_torch.correct import cifar, timm_like, vision


class DictOutput(cifar.ResNet):
    def forward(self, x):
        return {"logits": super().forward(x)}


class LogitsAndFeatures(cifar.ResNet):
    def forward(self, x):
        pooled = self.stages(self.stem(x)).mean((2, 3))
        return self.linear(pooled), pooled


class Prediction(NamedTuple):
    probabilities: torch.Tensor
    logits: torch.Tensor
    features: torch.Tensor


class NamedOutput(timm_like.ResNet):
    """Probabilities beside the logits, for whoever wants them."""

    def forward(self, x):
        features = self.forward_features(x)
        logits = self.forward_head(features)
        return Prediction(logits.softmax(dim=-1), logits, features)


@dataclass
class Output:
    logits: torch.Tensor
    hidden_states: tuple = ()
    loss: torch.Tensor | None = None


class DataclassOutput(cifar.ResNet):
    """As in transformers: images, labels that may be missing, and a choice of what to return."""

    def forward(self, pixel_values, labels=None, output_hidden_states=True):
        hidden = [self.stem(pixel_values)]
        for stage in (self.layer1, self.layer2, self.layer3):
            hidden.append(stage(hidden[-1]))
        logits = self.head(hidden[-1])
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return Output(logits, tuple(hidden) if output_hidden_states else (), loss)


class ModelOutput(OrderedDict):
    """A dict whose entries are attributes, too."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class StageDict(cifar.ResNet):
    """The maps by their names, as detectors want them; neither pool nor classifier."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        del self.linear

    def forward(self, x):
        x = self.stem(x)
        maps = ModelOutput()
        for number in (1, 2, 3):
            x = getattr(self, f"layer{number}")(x)
            maps[f"res{number + 1}"] = x
        return maps


class BodyAndPooled(StageDict):
    """The last map and its mean."""

    def forward(self, x):
        x = self.stages(self.stem(x))
        return x, x.mean((2, 3))


class OptionalArguments(cifar.ResNet):
    def forward(self, x, return_features: bool = False, mask=None, **unused):
        x = self.stages(self.stem(x))
        if mask is not None:
            x = x * mask
        return (self.head(x), x) if return_features else self.head(x)


class Wrapper(nn.Module):
    """Gives everything it does not have from the network inside."""

    def __init__(self, model):
        super().__init__()
        self.module = model

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.module, name)

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)


class BackboneAndClassifier(nn.Module):
    def __init__(self, classes=100):
        super().__init__()
        self.encoder = nn.Sequential(*list(vision.resnet18().children())[:-2])
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes)
        )

    def forward(self, x):
        return self.classifier(self.encoder(x))


class PlainListBeside(cifar.ResNet):
    """Goes through a plain list of blocks that are registered elsewhere."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.every = [*self.layer1, *self.layer2, *self.layer3]

    def stages(self, x):
        for block in self.every:
            x = block(x)
        return x


class LeftOvers(cifar.ResNet):
    """Modules without parameters that nothing uses."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.avgpool_old = nn.AvgPool2d(7, stride=1)
        self.dropout = nn.Dropout(0.5)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.1)


class DropoutOfNothing(cifar.ResNet):
    def __init__(self, *args, dropout=0.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.dropout = nn.Dropout(p=dropout, inplace=True)

    def head(self, x):
        return self.linear(self.dropout(x.mean((2, 3))))


def dict_output():
    return cifar.resnet20_b(DictOutput)


def logits_and_features():
    return cifar.resnet20_b(LogitsAndFeatures)


def named_output():
    return timm_like.resnet18(NamedOutput)


def dataclass_output():
    return cifar.resnet20_b(DataclassOutput)


def stage_dict():
    return cifar.resnet20_b(StageDict)


def body_and_pooled():
    return cifar.resnet20_b(BodyAndPooled)


def optional_arguments():
    return cifar.resnet20_b(OptionalArguments)


def wrapper():
    return Wrapper(cifar.resnet20_b())


def data_parallel():
    return nn.DataParallel(cifar.resnet20_b())


def averaged():
    """The average of one network, as for evaluation at the end of training."""
    return torch.optim.swa_utils.AveragedModel(cifar.resnet20_b())


def backbone_and_classifier():
    return BackboneAndClassifier()


def plain_list_beside():
    return cifar.resnet20_b(PlainListBeside)


def left_overs():
    return cifar.resnet20_b(LeftOvers)


def dropout_of_nothing():
    return cifar.resnet20_b(DropoutOfNothing)
