"""What a ResNet is: an architecture in a variant, with every choice made.

A `ResNetSpec` is one documented form with every choice spelled out. `spec("resnet50",
"v1.5")` looks one up; `documented_forms()` enumerates all that a network may equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

from resnet_ref.architectures import CIFAR, BlockKind, architecture
from resnet_ref.variants import Variant, canonical_variant, variants_of

Projection: TypeAlias = Literal["conv-norm", "conv", "pool-conv-norm", "pad"]
ConvBias: TypeAlias = Literal["none", "all", "keras-v2"]
Stem: TypeAlias = Literal["imagenet", "deep", "cifar"]
Head: TypeAlias = Literal["classifier", "none", "softmax", "log_softmax"]

STEMS: tuple[Stem, ...] = get_args(Stem)
HEADS: tuple[Head, ...] = get_args(Head)
OUTPUT_STRIDES = (32, 16, 8)


@dataclass(frozen=True)
class ResNetSpec:
    """One form of ResNet, every structural choice spelled out.

    `depths` counts the blocks of each stage and `widths` their base widths; a block puts out
    ``width * expansion`` channels. `strided_conv` is the index, within the branch, of the
    convolution that carries the stride. `activated_twice` says that with preactivation the
    first block has its own norm and ReLU though the stem ends in them. `project_first` puts a
    projection into the first block of stage 1 even where neither channels nor stride change.
    `dilated_first` says whether the first block of a dilated stage is dilated like its fellows
    or like the stage before. `dropout` is the probability of a dropout before the classifier,
    which no table has.
    """

    arch: str
    variant: str
    block: BlockKind
    depths: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512)
    groups: int = 1
    width_per_group: int = 64
    strided_conv: int = 0
    preactivation: bool = False
    stem_norm: bool = True
    activated_twice: bool = False
    projection: Projection = "conv-norm"
    project_first: bool = False
    conv_bias: ConvBias = "none"
    squeeze_excite: bool = False
    strided_block: Literal["first", "last"] = "first"
    eps: float = 1e-5
    momentum: float = 0.9
    stem: Stem = "imagenet"
    head: Head = "classifier"
    output_stride: int = 32
    dilated_first: bool = False
    dropout: float = 0.0
    num_classes: int = 1000
    in_channels: int = 3

    @property
    def expansion(self) -> int:
        """Output channels of a block over its base width: 1 for basic, 4 for bottleneck."""
        return 4 if self.block == "bottleneck" else 1

    def inner_width(self, width: int) -> int:
        """Channels inside the branch of a block of base width `width` (Xie et al. 2017, 3.1)."""
        if self.block == "basic":
            return width
        return width * self.width_per_group // 64 * self.groups

    @property
    def native_stride(self) -> int:
        """Input size over final feature map size where no stage is dilated."""
        stem_stride = 1 if self.stem == "cifar" else 4
        return int(stem_stride * 2 ** (len(self.depths) - 1))


def _build(arch: str, variant: Variant) -> ResNetSpec:
    row = architecture(arch)
    num_classes = 10 if arch in CIFAR else 1000
    base = ResNetSpec(arch, variant.name, **vars(row), num_classes=num_classes)
    changes = dict(variant.changes)
    # What makes no difference to a block kind has one value: equal networks are equal specs.
    changes.pop("strided_conv" if row.block == "basic" else "project_first", None)
    form = replace(base, **changes)  # type: ignore[arg-type]  # every form is built in the tests
    return replace(form, output_stride=form.native_stride)


def spec(
    arch: str = "resnet50",
    variant: str | None = None,
    *,
    num_classes: int | None = None,
    in_channels: int = 3,
    stem: Stem | None = None,
    head: Head | None = None,
    output_stride: int | None = None,
) -> ResNetSpec:
    """Look up the documented form `variant` of `arch`, by default the first one documented.

    Args:
        arch: a key of `resnet_ref.architectures.ARCHITECTURES`, "resnet50" say.
        variant: a documented name; None takes v1.5 (v1 where they are the same, cifar-a for CIFAR).
        num_classes: width of the classifier; None takes 1000, or 10 for the CIFAR nets.
        in_channels: channels of the input image.
        stem: None takes the variant's own.
        head: None takes the variant's own.
        output_stride: input size over final feature map size: 32, or 16 or 8 by dilation.

    Raises:
        ValueError: the form is not documented; the message names those that are.
    """
    architecture(arch)
    _expect("stem", stem, STEMS)
    _expect("head", head, HEADS)
    for size in (in_channels, num_classes):
        if size is not None and size < 1:
            raise ValueError(f"classes and channels are counted from 1, not {size}")
    name = canonical_variant(arch, variant) if variant else variants_of(arch)[0].name
    found = _build(arch, next(v for v in variants_of(arch) if v.name == name))
    found = replace(
        found,
        num_classes=found.num_classes if num_classes is None else num_classes,
        in_channels=in_channels,
        stem=stem or found.stem,
        head=head or found.head,
    )
    native = found.native_stride
    _expect("output stride", output_stride, (native, *(s for s in OUTPUT_STRIDES if s < native)))
    return replace(found, output_stride=output_stride or native)


def _expect(name: str, value: object, known: tuple[object, ...]) -> None:
    if value is not None and value not in known:
        raise ValueError(f"unknown {name} {value!r}; known: {', '.join(map(str, known))}")


def documented_forms(arch: str, num_classes: int, in_channels: int) -> Iterator[ResNetSpec]:
    """Every documented form of `arch`: its variants, each with each stem and output stride.

    The head is left to the variant. Forms that a shorter name already denotes (v1.5 with a
    deep stem is vc) come once, under that name.
    """
    seen: set[ResNetSpec] = set()
    for variant in variants_of(arch):
        base = replace(_build(arch, variant), num_classes=num_classes, in_channels=in_channels)
        for form in _with_stems_and_strides(base):
            anonymous = replace(form, variant="")
            if anonymous not in seen:
                seen.add(anonymous)
                yield form


def _with_stems_and_strides(base: ResNetSpec) -> Iterator[ResNetSpec]:
    yield base
    if base.arch in CIFAR or base.variant.startswith("keras"):
        return
    plain = ("v1", "v1.5", "vb") if base.block == "basic" else ("v1.5",)
    for stem in STEMS:
        if stem == "deep" and base.variant in plain:
            continue  # that is vc
        if stem == "imagenet" and base.variant == "vc":
            continue  # that is v1.5, or v1 and vb
        form = replace(base, stem=stem)
        native = form.native_stride
        yield replace(form, output_stride=native)
        for output_stride in OUTPUT_STRIDES:
            if output_stride < native:
                for dilated_first in (False, True):
                    yield replace(form, output_stride=output_stride, dilated_first=dilated_first)
