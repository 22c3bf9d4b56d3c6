"""Right networks that were compiled, scripted, cast, hooked, checkpointed or built oddly."""

import copy
import warnings

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from tests.catalogue_torch.correct import cifar, functional, loops, openmm, timm_like, vision

# Compiled, scripted, traced, exported


def scripted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.script(vision.resnet18())


def scripted_blocks():
    """The network is Python, its stages are TorchScript."""
    net = timm_like.resnet18()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for name in ("layer1", "layer2", "layer3", "layer4"):
            setattr(net, name, torch.jit.script(getattr(net, name)))
    return net


def traced():
    """Traced in evaluation mode, as for serving; no call puts it into training mode."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.trace(cifar.resnet20_b().eval(), torch.zeros(2, 3, 32, 32))


def fx_traced():
    return torch.fx.symbolic_trace(vision.resnet18())


def compiled():
    return torch.compile(cifar.resnet20_a())


def compiled_eager():
    return torch.compile(timm_like.resnet18(), backend="eager")


def compiled_aot_eager():
    return torch.compile(openmm.resnet18_vd(), backend="aot_eager", fullgraph=True)


def compiled_stages():
    """Compiled where most of the time is spent."""
    net = vision.resnet18()
    for name in ("layer1", "layer2", "layer3", "layer4"):
        getattr(net, name).compile(backend="aot_eager", fullgraph=True)
    return net


class CompiledForward(cifar.ResNet):
    @torch.compile(backend="eager")
    def forward(self, x):
        return super().forward(x)


def compiled_forward():
    return CompiledForward([3, 3, 3])


# Memory


class Checkpointed(cifar.ResNet):
    """The stages are computed again on the way back."""

    use_reentrant = False

    def stages(self, x):
        for stage in (self.layer1, self.layer2, self.layer3):
            if self.training and torch.is_grad_enabled():
                x = checkpoint(stage, x, use_reentrant=self.use_reentrant)
            else:
                x = stage(x)
        return x


class CheckpointedReentrant(Checkpointed):
    use_reentrant = True


class CheckpointedSequential(cifar.ResNet):
    def stages(self, x):
        blocks = nn.Sequential(*self.layer1, *self.layer2, *self.layer3)
        return checkpoint_sequential(blocks, 3, x, use_reentrant=False)


def checkpointed():
    return cifar.resnet20_b(Checkpointed)


def checkpointed_reentrant():
    return cifar.resnet20_b(CheckpointedReentrant)


def checkpointed_sequential():
    return cifar.resnet20_b(CheckpointedSequential)


class FrugalReLU(torch.autograd.Function):
    """Keeps one bit per element for the way back."""

    @staticmethod
    def forward(ctx, x):
        positive = x > 0
        ctx.save_for_backward(positive)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad):
        (positive,) = ctx.saved_tensors
        return grad * positive


class FrugalBlocks(functional.FunctionalResNet):
    def block(self, x, key, stride):
        return FrugalReLU.apply(self.branch(x, key, stride) + self.shortcut(x, key, stride))


def frugal_relu():
    return FrugalBlocks(20)


# Types and memory formats


def float64():
    return cifar.resnet20_b().double()


def half():
    return cifar.resnet20_b().half()


def bfloat16():
    return cifar.resnet20_b().to(torch.bfloat16)


def channels_last():
    return vision.resnet18().to(memory_format=torch.channels_last)


class ChannelsLastInput(vision.ResNet):
    def stem(self, x):
        return super().stem(x.contiguous(memory_format=torch.channels_last))

    def head(self, x):
        return super().head(x.contiguous())


def channels_last_input():
    return vision.resnet18(ChannelsLastInput).to(memory_format=torch.channels_last)


class AutocastOff(cifar.ResNet):
    """Mixed precision is the caller's business; the head is kept out of it."""

    def head(self, x):
        with torch.autocast("cpu", enabled=False):
            return super().head(x.float())


def autocast_off():
    return cifar.resnet20_b(AutocastOff)


class FloatFunctionalBlock(vision.BasicBlock):
    """Ready to be quantised one day."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.add_relu = torch.ao.nn.quantized.FloatFunctional()

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        return self.add_relu.add_relu(self.bn2(self.conv2(out)), identity)


class Quantizable(vision.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.quant = torch.ao.quantization.QuantStub()
        self.dequant = torch.ao.quantization.DeQuantStub()

    def forward(self, x):
        return self.dequant(super().forward(self.quant(x)))


def quantizable():
    return vision.resnet18(Quantizable, FloatFunctionalBlock)


# Hooks and weights


def looking_hooks():
    """Hooks that only look: at outputs, at inputs, at gradients."""
    net = cifar.resnet20_b()
    net.seen = []

    def look(module, inputs, output):
        net.seen.append(tuple(output.shape))
        del net.seen[:-8]

    for stage in (net.layer1, net.layer2, net.layer3):
        stage.register_forward_hook(look)
        stage.register_forward_pre_hook(lambda module, inputs: None)
        stage.register_full_backward_hook(lambda module, before, after: None)
    return net


def already_in_eval_mode():
    return loops.resnet18().eval()


def trained():
    """Nothing is where it was initialised."""
    net = cifar.resnet20_b()
    draw = torch.Generator().manual_seed(3)
    for name, buffer in net.named_buffers():
        if name.endswith("var"):
            buffer.copy_(torch.rand(buffer.shape, generator=draw) + 0.5)
        elif name.endswith("mean"):
            buffer.copy_(torch.randn(buffer.shape, generator=draw) * 0.3)
        else:
            buffer.fill_(5005)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=draw) * 0.02)
    return net


def gradients_left():
    """As after a backward pass that nobody stepped on."""
    net = cifar.resnet20_b()
    net(torch.zeros(2, 3, 32, 32)).sum().backward()
    return net


def made_on_meta():
    """Built without memory, then given some."""
    with torch.device("meta"):
        net = cifar.resnet20_b()
    net = net.to_empty(device="cpu")
    for module in net.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return net


def deep_copies():
    """Each block a deep copy of the one before: equal weights, and none of them shared."""
    net = cifar.resnet20_b()
    for stage in (net.layer1, net.layer2, net.layer3):
        for index in range(2, len(stage)):
            stage[index] = copy.deepcopy(stage[1])
    return net


class MyBatchNorm2d(nn.BatchNorm2d):
    """The parent's, with a count of the calls."""

    def forward(self, input):
        self._check_input_dim(input)
        self.num_batches_tracked.add_(1 if self.training else 0)
        return nn.functional.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias,
            self.training, self.momentum, self.eps,
        )  # fmt: skip


def own_batch_norm():
    return vision.resnet18(norm_layer=MyBatchNorm2d)


class MisleadingBlock(nn.Module):
    """Its names say the opposite of what things are."""

    def __init__(self, a, b, s):
        super().__init__()
        self.bn = nn.Conv2d(a, b, 3, s, 1, bias=False)
        self.conv = nn.BatchNorm2d(b)
        self.downsample = nn.ReLU()
        self.relu = nn.Conv2d(b, b, 3, 1, 1, bias=False)
        self.fc = nn.BatchNorm2d(b)
        self.dropout = nn.Identity()
        if s == 2:
            self.dropout = nn.Sequential(nn.Conv2d(a, b, 1, s, bias=False), nn.BatchNorm2d(b))

    def forward(self, conv1):
        layer1 = self.dropout(conv1)
        conv1 = self.downsample(self.conv(self.bn(conv1)))
        return self.downsample(layer1 + self.fc(self.relu(conv1)))


def with_its_loss():
    """The loss travels with the network, and its weights for the classes are a buffer."""
    net = cifar.resnet20_b()
    net.criterion = nn.CrossEntropyLoss(weight=torch.ones(10))
    return net


def made_in_inference_mode():
    with torch.inference_mode():
        return cifar.resnet20_b()


def misleading_names():
    plan = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    layers.append(nn.MaxPool2d(3, 2, 1))
    for a, b, s in plan:
        layers += [MisleadingBlock(a, b, s), MisleadingBlock(b, b, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))
