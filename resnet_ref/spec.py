"""What a ResNet is: its architectures, its documented forms, and how they are named.

A `ResNetSpec` is one documented form with every choice spelled out. `spec("resnet50",
"v1.5")` looks one up; `documented_forms()` enumerates all that a network may equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

BlockKind: TypeAlias = Literal["basic", "bottleneck"]
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


@dataclass(frozen=True)
class Architecture:
    """One row of the architecture tables: depths, block kind and widths, no variant yet."""

    block: BlockKind
    depths: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512)
    groups: int = 1
    width_per_group: int = 64


# He et al. 2016, table 1, https://arxiv.org/abs/1512.03385
IMAGENET = {
    "resnet18": Architecture("basic", (2, 2, 2, 2)),
    "resnet34": Architecture("basic", (3, 4, 6, 3)),
    "resnet50": Architecture("bottleneck", (3, 4, 6, 3)),
    "resnet101": Architecture("bottleneck", (3, 4, 23, 3)),
    "resnet152": Architecture("bottleneck", (3, 8, 36, 3)),
}

# Xie et al. 2017, table 1, https://arxiv.org/abs/1611.05431, and the larger nets built the same way
RESNEXT = {
    f"resnext{depth}_{groups}x{width}d": replace(
        IMAGENET[f"resnet{depth}"], groups=groups, width_per_group=width
    )
    for depth in (50, 101, 152)
    for groups, width in ((32, 4), (32, 8), (64, 4))
}

# Zagoruyko and Komodakis 2016, table 8, https://arxiv.org/abs/1605.07146
WIDE = {
    f"wide_resnet{depth}_2": replace(IMAGENET[f"resnet{depth}"], width_per_group=128)
    for depth in (50, 101)
}

# He et al. 2016, section 4.2: 6n + 2 weighted layers
CIFAR = {
    f"resnet{depth}": Architecture("basic", ((depth - 2) // 6,) * 3, widths=(16, 32, 64))
    for depth in (20, 32, 44, 56, 110)
}

ARCHITECTURES = {**IMAGENET, **RESNEXT, **WIDE, **CIFAR}


@dataclass(frozen=True)
class Variant:
    """What a variant changes in an architecture, and where that is documented."""

    name: str
    source: str
    changes: tuple[tuple[str, object], ...] = ()


def _variant(name: str, source: str, **changes: object) -> Variant:
    return Variant(name, source, tuple(changes.items()))


# The first row of a name is its default; further rows are forms that carry the same name.
VARIANTS = (
    _variant("v1.5", "Goyal et al. 2017, section 5.1, https://arxiv.org/abs/1706.02677",
             strided_conv=1),
    _variant("v1", "He et al. 2016, table 1, https://arxiv.org/abs/1512.03385"),
    _variant("vb", "He et al. 2019, figure 2a, https://arxiv.org/abs/1812.01187; PaddleClas",
             strided_conv=1, project_first=True),
    _variant("vc", "He et al. 2019, figure 2b, https://arxiv.org/abs/1812.01187",
             strided_conv=1, stem="deep"),
    _variant("vc", "PaddleClas ResNet18_vc and ResNet34_vc",
             strided_conv=1, stem="deep", project_first=True),
    _variant("vd", "He et al. 2019, figure 2c, https://arxiv.org/abs/1812.01187; PaddleClas",
             strided_conv=1, stem="deep", projection="pool-conv-norm", project_first=True),
    _variant("vd", "He et al. 2019, figure 2c, without a projection in stage 1 of 18 and 34",
             strided_conv=1, stem="deep", projection="pool-conv-norm"),
    _variant("v2", "He et al. 2016b, https://arxiv.org/abs/1603.05027",
             strided_conv=1, preactivation=True, stem_norm=False, projection="conv"),
    _variant("v2", "He et al. 2016b, stride on the first 1x1 as in He et al. 2016, table 1",
             preactivation=True, stem_norm=False, projection="conv"),
    _variant("v2", "He et al. 2016b, appendix: the first activation right after conv1",
             strided_conv=1, preactivation=True, projection="conv"),
    _variant("v2", "He et al. 2016b, appendix, stride on the first 1x1",
             preactivation=True, projection="conv"),
    _variant("v2", "MXNet Gluon, resnet_v2: norm and ReLU behind conv1 and in the first block, too",
             strided_conv=1, preactivation=True, activated_twice=True, projection="conv"),
    _variant("v2", "MXNet Gluon, resnet_v2, stride on the first 1x1",
             preactivation=True, activated_twice=True, projection="conv"),
    _variant("d2l", "Zhang et al., Dive into Deep Learning, section 8.6, https://d2l.ai",
             strided_conv=1, projection="conv", conv_bias="all"),
    _variant("keras", "keras.applications.resnet, https://keras.io/api/applications/resnet",
             conv_bias="all", eps=1.001e-5, momentum=0.99, head="softmax"),
    _variant("keras-v2", "keras.applications.resnet_v2, https://keras.io/api/applications/resnet",
             strided_conv=1, preactivation=True, stem_norm=False, projection="conv",
             conv_bias="keras-v2", strided_block="last", eps=1.001e-5, momentum=0.99,
             head="softmax"),
    _variant("se", "Hu et al. 2018, https://arxiv.org/abs/1709.01507",
             strided_conv=1, squeeze_excite=True),
    _variant("se", "Hu et al. 2018, stride on the first 1x1 as in He et al. 2016, table 1",
             squeeze_excite=True),
    _variant("se", "PaddleClas SE_ResNet_vd: Hu et al. 2018 with He et al. 2019, figure 2c",
             strided_conv=1, squeeze_excite=True, stem="deep", projection="pool-conv-norm",
             project_first=True),
    _variant("cifar-a", "He et al. 2016, section 4.2, option A", projection="pad", stem="cifar"),
    _variant("cifar-b", "He et al. 2016, section 4.2, option B", stem="cifar"),
)  # fmt: skip
VARIANT_NAMES = tuple(dict.fromkeys(variant.name for variant in VARIANTS))


def variants_of(arch: str) -> tuple[Variant, ...]:
    """The variants documented for `arch`, in order of preference where two are the same."""
    architecture = _architecture(arch)
    if arch in CIFAR:
        return tuple(v for v in VARIANTS if v.name in ("cifar-a", "cifar-b"))
    basic = architecture.block == "basic"
    excluded = {"cifar-a", "cifar-b"}
    if basic:
        excluded |= {"v1.5", "keras", "keras-v2"}  # v1 and v1.5 coincide without a bottleneck
    else:
        excluded |= {"vb"}  # every bottleneck has a stage-1 projection: vb is v1.5
    return tuple(v for v in VARIANTS if v.name not in excluded)


# Names under which a form is asked for, beside its own: they denote the same network.
def canonical_variant(arch: str, variant: str) -> str:
    """The name under which `variant` of `arch` is reported: v1 for v1.5 of 18 and 34, v1.5 for vb.

    Raises:
        ValueError: `arch` or `variant` is unknown, or not documented together.
    """
    block = _architecture(arch).block
    if variant not in VARIANT_NAMES:
        raise ValueError(f"unknown variant {variant!r}; known: {', '.join(VARIANT_NAMES)}")
    if block == "basic" and variant == "v1.5":
        variant = "v1"
    elif block == "bottleneck" and variant == "vb":
        variant = "v1.5"
    names = dict.fromkeys(v.name for v in variants_of(arch))
    if variant not in names:
        raise ValueError(
            f"variant {variant!r} is not documented for {arch}; documented: {', '.join(names)}"
        )
    return variant


def _architecture(arch: str) -> Architecture:
    try:
        return ARCHITECTURES[arch]
    except KeyError:
        raise ValueError(
            f"unknown architecture {arch!r}; supported: {', '.join(ARCHITECTURES)}"
        ) from None


def _build(arch: str, variant: Variant) -> ResNetSpec:
    architecture = ARCHITECTURES[arch]
    base = ResNetSpec(
        arch=arch,
        variant=variant.name,
        block=architecture.block,
        depths=architecture.depths,
        widths=architecture.widths,
        groups=architecture.groups,
        width_per_group=architecture.width_per_group,
        num_classes=10 if arch in CIFAR else 1000,
    )
    changes = dict(variant.changes)
    # What makes no difference to a block kind has one value: equal networks are equal specs.
    changes.pop("strided_conv" if architecture.block == "basic" else "project_first", None)
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
        arch: a key of `ARCHITECTURES`, "resnet50" say.
        variant: a documented name; None takes v1.5 (v1 where they are the same, cifar-a for CIFAR).
        num_classes: width of the classifier; None takes 1000, or 10 for the CIFAR nets.
        in_channels: channels of the input image.
        stem: None takes the variant's own.
        head: None takes the variant's own.
        output_stride: input size over final feature map size: 32, or 16 or 8 by dilation.

    Raises:
        ValueError: the form is not documented; the message names those that are.
    """
    _architecture(arch)
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
