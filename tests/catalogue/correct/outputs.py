"""Backbones, wrappers and models that return more than logits."""

from types import SimpleNamespace

import paddle
import paddle.nn as nn
from paddle.distributed.fleet.utils import recompute

from tests.catalogue.correct import classic, convbn, loops, timm_like


class LastMap(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        del self.avgpool
        del self.fc

    def forward(self, x):
        return self.forward_stages(self.forward_stem(x))


class StageTuple(LastMap):
    def forward(self, x):
        x = self.forward_stem(x)
        c2 = self.layer1(x)
        c3 = self.layer2(c2)
        c4 = self.layer3(c3)
        c5 = self.layer4(c4)
        return c2, c3, c4, c5


class StageList(LastMap):
    """As in detection: the maps of the stages asked for."""

    out_indices = (1, 2, 3)

    def forward(self, x):
        x = self.forward_stem(x)
        outs = []
        for i, stage in enumerate([self.layer1, self.layer2, self.layer3, self.layer4]):
            x = stage(x)
            if i in self.out_indices:
                outs.append(x)
        return outs


class StageDict(LastMap):
    def forward(self, x):
        features = {}
        x = self.forward_stem(x)
        for number, stage in enumerate([self.layer1, self.layer2, self.layer3, self.layer4]):
            x = stage(x)
            features[f"res{number + 2}"] = x
        return features


class LogitsAndFeatures(classic.ResNet):
    def forward(self, x):
        features = self.forward_stages(self.forward_stem(x))
        pooled = paddle.flatten(self.avgpool(features), 1)
        return self.fc(pooled), pooled


class OutputObject(timm_like.ResNet):
    def forward(self, x):
        features = self.forward_features(x)
        return SimpleNamespace(logits=self.forward_head(features), last_hidden_state=features)


class DictOutput(classic.ResNet):
    def forward(self, x):
        return {"logits": super().forward(x)}


class Wrapper(nn.Layer):
    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone

    def forward(self, images):
        return self.backbone(images)


class BackboneAndClassifier(nn.Layer):
    """A backbone that ends in its last map, and a classifier of its own."""

    def __init__(self, classes=100):
        super().__init__()
        self.encoder = last_map()
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2D(1), nn.Flatten(), nn.Linear(2048, classes)
        )

    def forward(self, x):
        return self.classifier(self.encoder(x))


class Recomputed(classic.ResNet):
    """Saves memory in training: the stages are computed again on the way back."""

    def forward_stages(self, x):
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = recompute(stage, x) if self.training else stage(x)
        return x


class ListBesideRegistered(classic.ResNet):
    """Goes through plain lists of blocks that are registered elsewhere."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        stages = (self.layer1, self.layer2, self.layer3, self.layer4)
        self.everything = [block for stage in stages for block in stage]

    def forward_stages(self, x):
        for block in self.everything:
            x = block(x)
        return x


class UnusedPool(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.avgpool_old = nn.AvgPool2D(7)
        self.relu6 = nn.ReLU6()
        self.drop = nn.Dropout(0.5)


class DropoutOfNothing(classic.ResNet):
    def __init__(self, *args, drop=0.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.dropout = nn.Dropout(p=drop)

    def forward_head(self, x):
        return self.fc(self.dropout(paddle.flatten(self.avgpool(x), 1)))


class ChannelsLast(nn.Layer):
    """NHWC from input to logits: expects images as (N, H, W, C)."""

    class Block(nn.Layer):
        def __init__(self, cin, cout, stride):
            super().__init__()
            last = {"data_format": "NHWC"}
            self.conv1 = nn.Conv2D(cin, cout, 3, stride, 1, bias_attr=False, **last)
            self.bn1 = nn.BatchNorm2D(cout, **last)
            self.conv2 = nn.Conv2D(cout, cout, 3, 1, 1, bias_attr=False, **last)
            self.bn2 = nn.BatchNorm2D(cout, **last)
            self.short = None
            if stride != 1 or cin != cout:
                self.short = nn.Sequential(
                    nn.Conv2D(cin, cout, 1, stride, bias_attr=False, **last),
                    nn.BatchNorm2D(cout, **last),
                )

        def forward(self, x):
            y = nn.functional.relu(self.bn1(self.conv1(x)))
            y = self.bn2(self.conv2(y))
            return nn.functional.relu(y + (x if self.short is None else self.short(x)))

    def __init__(self):
        super().__init__()
        last = {"data_format": "NHWC"}
        layers = [
            nn.Conv2D(3, 64, 7, 2, 3, bias_attr=False, **last),
            nn.BatchNorm2D(64, **last),
            nn.ReLU(),
            nn.MaxPool2D(3, 2, 1, **last),
        ]
        cin = 64
        for stage in range(4):
            for index in range(2):
                cout = 64 * 2**stage
                layers.append(self.Block(cin, cout, 2 if stage and not index else 1))
                cin = cout
        self.layers = nn.Sequential(*layers)
        self.fc = nn.Linear(512, 1000)

    def forward(self, x):
        return self.fc(self.layers(x).mean([1, 2]))


def last_map():
    return LastMap(classic.Bottleneck, [3, 4, 6, 3])


def stage_tuple():
    return StageTuple(classic.Bottleneck, [3, 4, 6, 3])


def stage_list():
    return StageList(classic.BasicBlock, [3, 4, 6, 3])


def stage_dict():
    return StageDict(classic.BasicBlock, [2, 2, 2, 2])


def logits_and_features():
    return classic.resnet18(LogitsAndFeatures)


def output_object():
    return OutputObject(timm_like.BasicBlock, [2, 2, 2, 2])


def dict_output():
    return classic.resnet34(DictOutput)


def wrapper():
    return Wrapper(classic.resnet50())


def double_wrapper():
    return Wrapper(Wrapper(convbn.resnet18_vd()))


def backbone_and_classifier():
    return BackboneAndClassifier()


def sequential_of_one():
    return nn.Sequential(loops.resnet18())


def recomputed():
    return classic.resnet18(Recomputed)


def list_beside_registered():
    return classic.resnet34(ListBesideRegistered)


def unused_pool():
    return classic.resnet18(UnusedPool)


def dropout_of_nothing():
    return classic.resnet50(DropoutOfNothing)


def channels_last():
    return ChannelsLast()
