"""The documented variants of the architectures, where each is documented, and their names."""

from __future__ import annotations

from dataclasses import dataclass

from resnet_ref.architectures import CIFAR, architecture


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
    block = architecture(arch).block
    if arch in CIFAR:
        return tuple(v for v in VARIANTS if v.name in ("cifar-a", "cifar-b"))
    excluded = {"cifar-a", "cifar-b"}
    if block == "basic":
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
    block = architecture(arch).block
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
