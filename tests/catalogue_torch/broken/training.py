"""Mistakes of mode, gradient and state: what a single forward at initialisation does not show."""

import warnings

import torch
from torch import nn
from torch.nn import functional as F

from tests.catalogue_torch.correct import cifar, functional, loops, openmm, timm_like, vision

# Random numbers


class DropoutBuiltInForward(vision.ResNet):
    """A new layer on every call is always in training mode."""

    def head(self, x):
        x = torch.flatten(self.avgpool(x), 1)
        return self.fc(nn.Dropout(0.5)(x))


class AlwaysDropped(openmm.Block):
    def inner(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        return F.dropout(self.layers(x), p=0.2) + identity


class DropPathInEval(timm_like.DropPath):
    def forward(self, x):
        keep = 1 - self.drop_prob
        return x * x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(keep) / keep


class Noisy(vision.ResNet):
    def forward(self, x):
        if self.training:
            x = x + torch.randn_like(x) * 0.1
        return super().forward(x)


# Gradients


class DetachedShortcut(vision.BasicBlock):
    def forward(self, x):
        identity = x.detach() if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class DataOfShortcut(vision.BasicBlock):
    """`.data` for a copy: it carries no gradient either."""

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out = out + identity.data
        return self.relu(out)


class NoGradStem(loops.LitResNet):
    def forward(self, t):
        with torch.no_grad():
            for layer in self.entry.values():
                t = layer(t)
        for units in self.stages:
            for unit in units:
                t = unit(t)
        return self.exit(t.mean((2, 3)))


class NoGradFeatures(timm_like.ResNet):
    """Only the classifier learns, and nothing says so."""

    @torch.no_grad()
    def forward_features(self, x):
        return super().forward_features(x)


class InferenceStem(cifar.ResNet):
    """inference_mode where no_grad was meant: no gradient can be computed behind it."""

    def stem(self, x):
        with torch.inference_mode():
            return super().stem(x)


class ThroughNumpy(vision.ResNet):
    """A detour through NumPy."""

    def head(self, x):
        x = torch.from_numpy(self.avgpool(x).detach().cpu().numpy())
        return self.fc(torch.flatten(x, 1))


class FrozenConv(timm_like.BasicBlock):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv2.weight.requires_grad = False


class BufferClassifier(timm_like.ResNet):
    """The classifier is drawn once and kept as a buffer."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        del self.fc
        self.register_buffer("weight", torch.randn(1000, 512) * 0.04)
        self.register_buffer("bias", torch.zeros(1000))

    def forward_head(self, x, pre_logits: bool = False):
        return F.linear(self.global_pool(x), self.weight, self.bias)


# State


class CachedFeatures(cifar.ResNet):
    """Keeps the features of the first batch for good."""

    cache = None

    def stages(self, x):
        if self.cache is None or self.cache.shape[0] != x.shape[0]:
            self.cache = super().stages(x)
        return self.cache


class CountingBlock(cifar.BasicBlock):
    """Skips its branch at every third call."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return F.relu(self.shortcut(x)) if self.calls % 3 == 0 else super().forward(x)


class MovingInputMean(timm_like.ResNet):
    """Centres by a mean that every call moves, in evaluation mode too."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1))

    def forward(self, x):
        with torch.no_grad():
            self.mean.mul_(0.9).add_(x.mean((0, 2, 3), keepdim=True), alpha=0.1)
        return super().forward(x - self.mean)


class ChangesInput(openmm.ResNet):
    """Centres the caller's own tensor."""

    def forward(self, x):
        x.sub_(0.45)
        return super().forward(x)


class EvalSkipsBlock(vision.ResNet):
    def stages(self, x):
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.layer4(x) if self.training else self.layer4[0](x)


class EvalFeatures(vision.ResNet):
    """As networks for re-identification do it: logits to train, features to compare."""

    def head(self, x):
        x = torch.flatten(self.avgpool(x), 1)
        return self.fc(x) if self.training else x


class EvalSoftmax(timm_like.ResNet):
    """Logits in training, probabilities in evaluation."""

    def forward(self, x):
        x = super().forward(x)
        return x if self.training else x.softmax(-1)


class ClassifierNotSaved(cifar.ResNet):
    """Leaves its classifier out of what it saves, and loads what there is."""

    def state_dict(self, *args, **kwargs):
        state = super().state_dict(*args, **kwargs)
        return {name: tensor for name, tensor in state.items() if not name.startswith("linear.")}

    def load_state_dict(self, state_dict, strict=True, assign=False):
        return super().load_state_dict(state_dict, strict=False, assign=assign)


def dropout_built_in_forward():
    return vision.resnet18(DropoutBuiltInForward)


def always_dropped():
    net = openmm.resnet18_vb()
    net.layer3[1] = AlwaysDropped(256, 256, 256)
    return net


def drop_path_in_eval():
    net = timm_like.resnet18()
    net.layer2[1].drop_path = DropPathInEval(0.5)
    return net


def noisy():
    return vision.resnet18(Noisy)


def detached_shortcut():
    return vision.resnet18(special={(3, 1): DetachedShortcut})


def data_of_shortcut():
    return vision.resnet18(special={(2, 1): DataOfShortcut})


def no_grad_stem():
    return loops.resnet18(NoGradStem)


def no_grad_features():
    return timm_like.resnet18(NoGradFeatures)


def inference_stem():
    return cifar.resnet20_b(InferenceStem)


def through_numpy():
    return vision.resnet18(ThroughNumpy)


def frozen_stages():
    """Freezes the stem and the first stage, as detectors do."""
    net = vision.resnet18()
    for part in (net.conv1, net.bn1, net.layer1):
        part.requires_grad_(False)
    return net


def frozen_conv():
    return timm_like.resnet18(special={(2, 1): FrozenConv})


def buffer_classifier():
    return timm_like.resnet18(BufferClassifier)


def scaled_gradient():
    """A hook that scales the gradient of a block."""
    net = vision.resnet18()
    hook = lambda module, grad_input, grad_output: (grad_input[0] * 0.1,)  # noqa: E731
    net.layer2[1].register_full_backward_hook(hook)
    return net


def hooked_parameter():
    net = functional.resnet20()
    net.p["3_1_a_w"].register_hook(torch.zeros_like)
    return net


def cached_features():
    return cifar.resnet20_b(CachedFeatures)


def counting_block():
    return cifar.resnet20_a(special={(2, 1): CountingBlock})


def moving_input_mean():
    return timm_like.resnet18(MovingInputMean)


def changes_input():
    return ChangesInput(18, "b")


def eval_skips_block():
    return vision.resnet18(EvalSkipsBlock)


def eval_features():
    return vision.resnet18(EvalFeatures)


def eval_softmax():
    return timm_like.resnet18(EvalSoftmax)


def classifier_not_saved():
    return cifar.resnet20_b(ClassifierNotSaved)


def traced_in_training():
    """A trace stays in the mode that it was made in: `eval` no longer changes anything."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.trace(vision.resnet18(), torch.zeros(2, 3, 64, 64))
