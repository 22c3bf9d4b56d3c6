"""Documented parameter totals: what the derived and the built networks are held against.

The numbers were published or counted elsewhere; none is computed here. `trainable` is what PyTorch
counts, `total` has the running means and variances as well, as Paddle and Keras count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DocumentedTotal:
    """Parameters of one architecture in one form, in both counting conventions."""

    trainable: int
    total: int
    source: str

    @property
    def buffers(self) -> int:
        """Running means and variances."""
        return self.total - self.trainable


@dataclass(frozen=True, slots=True)
class Form:
    """What a total depends on."""

    arch: str
    variant: str
    num_classes: int = 1000
    in_channels: int = 3


def documented_total(
    arch: str, variant: str, num_classes: int, in_channels: int
) -> DocumentedTotal | None:
    """The documented total of a form with its own stem and a classifier, None where there is none.

    `variant` is the name under which the form is reported (`resnet_ref.spec.canonical_variant`).
    """
    return TOTALS.get(Form(arch, variant, num_classes, in_channels))


def _rows(
    source: str,
    variants: tuple[str, ...],
    counts: Mapping[str, tuple[int, int]],
    num_classes: int = 1000,
    in_channels: int = 3,
) -> dict[Form, DocumentedTotal]:
    return {
        Form(arch, variant, num_classes, in_channels): DocumentedTotal(trainable, total, source)
        for variant in variants
        for arch, (trainable, total) in counts.items()
    }


# The sources say where the form, and with it the count, is defined; "prints" where the count is
# printed as such.
TOTALS: dict[Form, DocumentedTotal] = {
    **_rows("He et al. 2016, table 1; torchvision.models prints the trainable ones", ("v1",), {
        "resnet18": (11689512, 11699112),
        "resnet34": (21797672, 21814696),
    }),
    **_rows("He et al. 2016, table 1; torchvision.models prints the trainable ones, "
            "paddle.summary the total", ("v1.5", "v1"), {
        "resnet50": (25557032, 25610152),
        "resnet101": (44549160, 44654504),
        "resnet152": (60192808, 60344232),
    }),
    **_rows("He et al. 2019, figure 2a; PaddleClas", ("vb",), {
        "resnet18": (11693736, 11703464),
        "resnet34": (21801896, 21819048),
    }),
    **_rows("He et al. 2019, figure 2c; PaddleClas", ("vd",), {
        "resnet18": (11712968, 11722824),
        "resnet34": (21821128, 21838408),
        "resnet50": (25576264, 25629512),
        "resnet101": (44568392, 44673864),
        "resnet152": (60212040, 60363592),
    }),
    **_rows("He et al. 2016b, figure 1 and appendix", ("v2",), {
        "resnet18": (11687720, 11695528),
        "resnet34": (21795880, 21811112),
        "resnet50": (25549352, 25594792),
        "resnet101": (44541480, 44639144),
        "resnet152": (60185128, 60328872),
    }),
    **_rows("Dive into Deep Learning, section 8.6", ("d2l",), {
        "resnet18": (11692520, 11700328),
        "resnet34": (21804392, 21819624),
    }),
    **_rows("Dive into Deep Learning, section 8.6", ("d2l",), {
        "resnet18": (11178378, 11186186),
    }, num_classes=10, in_channels=1),
    **_rows("keras.applications.resnet prints the total", ("keras",), {
        "resnet50": (25583592, 25636712),
        "resnet101": (44601832, 44707176),
        "resnet152": (60268520, 60419944),
    }),
    **_rows("keras.applications.resnet_v2 prints the total", ("keras-v2",), {
        "resnet50": (25568360, 25613800),
        "resnet101": (44577896, 44675560),
        "resnet152": (60236904, 60380648),
    }),
    **_rows("Hu et al. 2018, section 4, reduction 16, with biases", ("se",), {
        "resnet18": (11778592, 11788192),
        "resnet34": (21958868, 21975892),
        "resnet50": (28088024, 28141144),
        "resnet101": (49326872, 49432216),
        "resnet152": (66821848, 66973272),
    }),
    **_rows("Xie et al. 2017, table 1; torchvision.models prints the trainable ones", ("v1.5",), {
        "resnext50_32x4d": (25028904, 25097128),
        "resnext101_32x4d": (44177704, 44315560),
        "resnext101_32x8d": (88791336, 88994216),
        "resnext101_64x4d": (83455272, 83658152),
    }),
    **_rows("torchvision.models prints the trainable ones", ("v1.5",), {
        "wide_resnet50_2": (68883240, 68951464),
        "wide_resnet101_2": (126886696, 127024552),
    }),
    **_rows("He et al. 2016, section 4.2 and table 6, option A", ("cifar-a",), {
        "resnet20": (269722, 271098),
        "resnet32": (464154, 466426),
        "resnet44": (658586, 661754),
        "resnet56": (853018, 857082),
        "resnet110": (1727962, 1736058),
    }, num_classes=10),
    **_rows("He et al. 2016, section 4.2, option B", ("cifar-b",), {
        "resnet20": (272474, 274042),
        "resnet32": (466906, 469370),
        "resnet44": (661338, 664698),
        "resnet56": (855770, 860026),
        "resnet110": (1730714, 1739002),
    }, num_classes=10),
}  # fmt: skip
