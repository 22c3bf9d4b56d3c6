"""The documented training recipes: what is trained, on what, how, and where each value is from.

A `Recipe` is data, no framework needed; `resnet_ref.train` runs it. Every value may be
overridden, and every value has a source in `Recipe.sources`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias, get_args, get_type_hints

from resnet_ref.layers import AvgPool, GlobalAvgPool
from resnet_ref.layout import Network, layout
from resnet_ref.spec import spec

Dataset: TypeAlias = Literal["cifar10", "fashion-mnist", "digits"]
Optimiser: TypeAlias = Literal["adam", "sgd"]
Schedule: TypeAlias = Literal["constant", "cosine"]
Augmentation: TypeAlias = Literal["none", "crop-flip"]
Precision: TypeAlias = Literal["float32", "bfloat16"]

CHANNELS: dict[Dataset, int] = {"cifar10": 3, "fashion-mnist": 1, "digits": 1}


@dataclass(frozen=True)
class Documented:
    """What a recipe is documented to reach. `curve` is a file in `resnet_ref/curves`."""

    test_accuracy: float
    words: str
    curve: str = ""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One way to train a network; `sources` has an entry for each of the other values.

    What a recipe does not name is left out of its training: no decay, no augmentation.

    Args:
        arch: an architecture of `resnet_ref.spec`.
        variant: its variant; empty for its usual one.
        head_pool: kernel and stride of the average pooling of the head; 0 for a global one.
        dataset: what it is trained on.
        size: height and width in pixels to which images are resized, bilinearly.
        mean: what is taken from each channel of an image with values 0 to 255.
        deviation: by what the difference is divided.
        augmentation: crop-flip pads by 4 pixels, crops at random and flips half of the images.
        optimiser: sgd has the momentum of `momentum`; adam has betas 0.9 and 0.999, eps 1e-8.
        learning_rate: the highest one.
        last_learning_rate: what a cosine schedule tends to.
        momentum: of sgd.
        weight_decay: an L2 penalty, added to every gradient.
        schedule: cosine changes the learning rate from epoch to epoch.
        batch_size: images to a step, of all processes together.
        epochs: how often all training images are shown.
        precision: bfloat16 computes in mixed precision; weights stay float32.
        fine_tunes: it is meant to start from a checkpoint, with a classifier of its own.
    """

    name: str
    arch: str
    variant: str
    head_pool: int = 0
    dataset: Dataset
    size: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    augmentation: Augmentation = "none"
    optimiser: Optimiser
    learning_rate: float
    last_learning_rate: float = 0.0
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: Schedule = "constant"
    batch_size: int
    epochs: int
    precision: Precision = "float32"
    fine_tunes: bool = False
    documented: Documented | None = None
    sources: Mapping[str, str] = field(repr=False)

    def network(self) -> Network:
        """The network, layer by layer.

        Raises:
            ValueError: it is not documented.
        """
        form = spec(
            self.arch, self.variant or None, num_classes=10, in_channels=CHANNELS[self.dataset]
        )
        network = layout(form)
        if not self.head_pool:
            return network
        kernel = (self.head_pool, self.head_pool)
        pool = AvgPool(kernel, kernel)
        head = (pool if isinstance(layer, GlobalAvgPool) else layer for layer in network.head)
        return replace(network, head=tuple(head))

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        if self.schedule == "constant":
            return self.learning_rate
        share = (1 + math.cos(math.pi * epoch / self.epochs)) / 2
        return self.last_learning_rate + share * (self.learning_rate - self.last_learning_rate)

    def override(self, changes: Mapping[str, Any]) -> Recipe:
        """This recipe with other values, whose source is then the one who asked for them.

        Raises:
            ValueError: a value makes no sense.
        """
        asked = {name: "given by the user" for name in changes}
        changed = replace(self, **changes, sources={**self.sources, **asked})
        _check(changed)
        return changed


def settings() -> dict[str, Any]:
    """The type of each value that can be overridden, by its name."""
    hints = get_type_hints(Recipe)
    fixed = ("name", "documented", "sources")
    return {one.name: hints[one.name] for one in fields(Recipe) if one.name not in fixed}


def recipe(name: str) -> Recipe:
    """The recipe `name`.

    Raises:
        ValueError: there is none of this name; the message lists them.
    """
    try:
        return RECIPES[name]
    except KeyError:
        raise ValueError(f"unknown recipe {name!r}; known: {', '.join(RECIPES)}") from None


def _check(changed: Recipe) -> None:
    for name, hint in settings().items():
        value, known = getattr(changed, name), get_args(hint)
        if isinstance(value, str) and known and value not in known:
            raise ValueError(f"unknown {name} {value!r}; known: {', '.join(map(str, known))}")
    for name in ("size", "learning_rate", "batch_size", "epochs"):
        if not 0 < getattr(changed, name) < math.inf:
            raise ValueError(f"{name} is a positive number, not {getattr(changed, name)}")
    for name in ("momentum", "weight_decay", "last_learning_rate", "head_pool"):
        if not 0 <= getattr(changed, name) < math.inf:
            raise ValueError(f"{name} cannot be {getattr(changed, name)}")
    channels = CHANNELS[changed.dataset]
    for name in ("mean", "deviation"):
        if len(getattr(changed, name)) not in (1, channels):
            raise ValueError(f"{name} has one value, or one for each of {channels} channels")
    if not all(value > 0 for value in changed.deviation):
        raise ValueError("every deviation is positive")
    changed.network()


def _sourced(source: str, **others: str) -> dict[str, str]:
    return {name: others.get(name, source) for name in settings()}


PADDLE_SOURCE = "documented run of a d2l-form ResNet-18 on CIFAR-10 in Paddle (curve kept with it)"
D2L = "Zhang et al., Dive into Deep Learning, section 8.6, https://d2l.ai"
MINDSPORE = "MindSpore tutorial, ResNet50 Image Classification, https://www.mindspore.cn/tutorials"
UNUSED = "not used by this recipe"
FLOAT32 = "the precision of the source's run"
OURS = "chosen for two CPU cores and a minute"

_CIFAR10_RESNET18 = Recipe(
    name="cifar10-resnet18",
    arch="resnet18",
    variant="d2l",
    head_pool=2,
    dataset="cifar10",
    size=96,
    mean=(127.5,),
    deviation=(127.5,),
    optimiser="adam",
    learning_rate=0.001,
    batch_size=512,
    epochs=100,
    documented=Documented(
        0.80337,
        "test accuracy 0.80337 after 100 epochs (best 0.80365), test loss 1.3908",
        "cifar10-resnet18.tsv",
    ),
    sources=_sourced(
        PADDLE_SOURCE, momentum=UNUSED, last_learning_rate=UNUSED, precision=FLOAT32
    ),
)  # fmt: skip

_FASHION_MNIST_RESNET18 = Recipe(
    name="fashion-mnist-resnet18",
    arch="resnet18",
    variant="d2l",
    dataset="fashion-mnist",
    size=224,
    mean=(0.0,),
    deviation=(255.0,),
    optimiser="sgd",
    learning_rate=0.05,
    batch_size=128,
    epochs=10,
    documented=Documented(
        0.926,
        "train loss 0.011, train accuracy 0.998, test accuracy 0.926 after 10 epochs, "
        "228.1 examples/s on one GPU of its time",
    ),
    sources=_sourced(
        D2L + "; size and batch of the documented run (the book: 96 and 256)",
        last_learning_rate=UNUSED,
        precision=FLOAT32,
        momentum="plain SGD in the source",
    ),
)

_CIFAR10_RESNET50 = Recipe(
    name="cifar10-resnet50-finetune",
    arch="resnet50",
    variant="v1.5",
    dataset="cifar10",
    size=32,
    mean=(0.4914 * 255, 0.4822 * 255, 0.4465 * 255),
    deviation=(0.2023 * 255, 0.1994 * 255, 0.2010 * 255),
    augmentation="crop-flip",
    optimiser="sgd",
    learning_rate=0.001,
    last_learning_rate=0.00001,
    momentum=0.9,
    schedule="cosine",
    batch_size=256,
    epochs=5,
    fine_tunes=True,
    sources=_sourced(MINDSPORE, precision=FLOAT32),
)

_SMOKE = Recipe(
    name="smoke",
    arch="resnet20",
    variant="cifar-b",
    dataset="digits",
    size=16,
    mean=(127.5,),
    deviation=(127.5,),
    optimiser="sgd",
    learning_rate=0.05,
    momentum=0.9,
    weight_decay=1e-4,
    schedule="cosine",
    batch_size=64,
    epochs=6,
    documented=Documented(0.93, "test accuracy of at least 0.93 after 6 epochs"),
    sources=_sourced(
        OURS,
        arch="He et al. 2016, section 4.2, https://arxiv.org/abs/1512.03385",
        variant="He et al. 2016, section 4.2, option B",
        learning_rate="half of that of He et al. 2016, section 4.2, for so few steps",
        momentum="He et al. 2016, section 4.2",
        weight_decay="He et al. 2016, section 4.2",
        dataset="scikit-learn's digits, which come with the package",
    ),
)

RECIPES = {
    one.name: one for one in (_CIFAR10_RESNET18, _FASHION_MNIST_RESNET18, _CIFAR10_RESNET50, _SMOKE)
}
