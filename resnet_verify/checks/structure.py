"""Structure: the captured graph against the tables, one check for each kind of deviation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resnet_verify.checks import NotRun, check
from resnet_verify.verdict import Diagnosis

if TYPE_CHECKING:
    from resnet_verify.difference import Aspect, Difference
    from resnet_verify.examine import Examination

HE_2016 = "He et al. 2016, https://arxiv.org/abs/1512.03385"
TABLE = f"{HE_2016}, table 1"
BATCH_NORM = "Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167"


@check("STR-FORWARD", source=TABLE)
def forward(examination: Examination) -> Iterator[Diagnosis]:
    """The forward pass runs on a batch of images, in training and in evaluation mode.

    Tried at sizes from 32 to 299; one that fits is enough.
    """
    error = examination.forward_error()
    if error:
        yield Diagnosis(
            "STR-FORWARD", "the whole network", "an output", error.partition("\n")[0],
            f"the forward pass raises {error}",
        )  # fmt: skip


@check("STR-FORM", source=TABLE)
def form(examination: Examination) -> Iterator[Diagnosis]:
    """The network is a variation of a documented ResNet."""
    return about(examination, "STR-FORM", "form")


@check("STR-BLOCKS", source=TABLE)
def blocks(examination: Examination) -> Iterator[Diagnosis]:
    """Every stage has its documented number of blocks."""
    return about(examination, "STR-BLOCKS", "blocks")


@check("STR-UNUSED", source=TABLE)
def unused(examination: Examination) -> Iterator[Diagnosis]:
    """What is computed with parameters is used: no block or layer is bypassed."""
    return about(examination, "STR-UNUSED", "unused")


@check("STR-OPERAND", source=TABLE)
def operand(examination: Examination) -> Iterator[Diagnosis]:
    """Every layer reads the output of the layer that stands before it in the form."""
    return about(examination, "STR-OPERAND", "operand")


@check("STR-ADD", source=f"{HE_2016}, equation 1")
def addition(examination: Examination) -> Iterator[Diagnosis]:
    """Every block adds its branch and its shortcut, once each and unscaled."""
    return about(examination, "STR-ADD", "addition")


@check("STR-PROJECTION", source=f"{HE_2016}, section 3.3")
def projection(examination: Examination) -> Iterator[Diagnosis]:
    """A shortcut projects exactly where the form projects, and is the identity elsewhere."""
    return about(examination, "STR-PROJECTION", "projection")


@check("STR-LAYER", source=TABLE)
def layer(examination: Examination) -> Iterator[Diagnosis]:
    """Every layer of the form is there, and none beside."""
    return about(examination, "STR-LAYER", "layer")


@check("STR-NORM", source=f"{HE_2016}, section 3.4")
def norm(examination: Examination) -> Iterator[Diagnosis]:
    """Every batch norm of the form is there, in its place, and none beside."""
    return about(examination, "STR-NORM", "norm")


@check("STR-ACTIVATION", source=f"{HE_2016}, figure 2")
def activation(examination: Examination) -> Iterator[Diagnosis]:
    """Every activation is a ReLU and stands where the form has it."""
    return about(examination, "STR-ACTIVATION", "activation")


@check("STR-POOL", source=TABLE)
def pool(examination: Examination) -> Iterator[Diagnosis]:
    """The stem pools as documented."""
    return about(examination, "STR-POOL", "pool")


@check("STR-HEAD", source=TABLE)
def head(examination: Examination) -> Iterator[Diagnosis]:
    """The head pools globally and ends in one linear layer, softmax only where documented."""
    return about(examination, "STR-HEAD", "head")


@check("STR-OPERATOR", source=TABLE)
def operator(examination: Examination) -> Iterator[Diagnosis]:
    """No operator stands in the network that the form does not have."""
    return about(examination, "STR-OPERATOR", "operator")


@check("STR-KERNEL", source=TABLE)
def kernel(examination: Examination) -> Iterator[Diagnosis]:
    """Every convolution and pooling has its documented kernel size."""
    return about(examination, "STR-KERNEL", "kernel")


@check("STR-WIDTH", source=TABLE)
def width(examination: Examination) -> Iterator[Diagnosis]:
    """Every layer has its documented number of channels."""
    return about(examination, "STR-WIDTH", "width")


@check("STR-GROUPS", source="Xie et al. 2017, https://arxiv.org/abs/1611.05431, table 1")
def groups(examination: Examination) -> Iterator[Diagnosis]:
    """Every convolution has its documented number of groups."""
    return about(examination, "STR-GROUPS", "groups")


@check("STR-STRIDE", source=f"{TABLE}; Goyal et al. 2017, https://arxiv.org/abs/1706.02677, 5.1")
def stride(examination: Examination) -> Iterator[Diagnosis]:
    """Every stride sits on the layer where the form has it."""
    return about(examination, "STR-STRIDE", "stride")


@check("STR-DILATION", source="Yu et al. 2017, https://arxiv.org/abs/1705.09914")
def dilation(examination: Examination) -> Iterator[Diagnosis]:
    """Every convolution is dilated as the output stride asks, and no other is."""
    return about(examination, "STR-DILATION", "dilation")


@check("STR-PADDING", source=TABLE)
def padding(examination: Examination) -> Iterator[Diagnosis]:
    """Every padding is symmetric, of zeros, and keeps the documented sizes."""
    return about(examination, "STR-PADDING", "padding")


@check("STR-BIAS", source=f"{BATCH_NORM}, section 3.2")
def bias(examination: Examination) -> Iterator[Diagnosis]:
    """Convolutions have a bias exactly where the form has one."""
    return about(examination, "STR-BIAS", "bias")


@check("STR-AFFINE", source=f"{BATCH_NORM}, algorithm 1")
def affine(examination: Examination) -> Iterator[Diagnosis]:
    """Every batch norm has a scale and a shift."""
    return about(examination, "STR-AFFINE", "affine")


@check("STR-EPS", source=f"{BATCH_NORM}, algorithm 1")
def eps(examination: Examination) -> Iterator[Diagnosis]:
    """Every batch norm has the documented eps."""
    return about(examination, "STR-EPS", "eps")


@check("STR-STATISTICS", source=f"{BATCH_NORM}, algorithm 2")
def statistics(examination: Examination) -> Iterator[Diagnosis]:
    """Batch norms use batch statistics in training and running statistics in evaluation."""
    return about(examination, "STR-STATISTICS", "statistics")


@check("STR-MOMENTUM", source=f"{BATCH_NORM}, section 3.1", training=True)
def momentum(examination: Examination) -> Iterator[Diagnosis]:
    """Every batch norm keeps most of its running statistics at each step.

    Paddle and Keras name the share that is kept, 0.9; PyTorch the share that is replaced, 0.1.
    A share from 0.5 up to, but not, 1 passes; one that is not 0.9 is advice.
    """
    return about(examination, "STR-MOMENTUM", "momentum")


@check("STR-SHARING", source=TABLE)
def sharing(examination: Examination) -> Iterator[Diagnosis]:
    """Every layer has parameters of its own."""
    return about(examination, "STR-SHARING", "sharing")


@check("STR-DETACHED", source=f"{HE_2016}, section 3.1", training=True)
def detached(examination: Examination) -> Iterator[Diagnosis]:
    """Gradients pass everywhere."""
    return about(examination, "STR-DETACHED", "detached")


@check("STR-FROZEN", source=f"{HE_2016}, section 3.4", training=True)
def frozen(examination: Examination) -> Iterator[Diagnosis]:
    """Every parameter is trainable."""
    return about(examination, "STR-FROZEN", "frozen")


def about(examination: Examination, check_id: str, aspect: Aspect) -> Iterator[Diagnosis]:
    """The differences of one kind, those that say the same at several places as one diagnosis."""
    groups: dict[tuple[str, str], list[Difference]] = {}
    for difference in examination.differences:
        if difference.aspect == aspect:
            groups.setdefault((difference.expected, difference.found), []).append(difference)
    if not groups and examination.is_far and aspect != "form":
        raise NotRun("this is no documented ResNet: there is no form to compare with")
    meaning = examination.meaning if groups else ""
    for (expected, found), members in groups.items():
        first, others = members[0], len(members) - 1
        more = f", and so at {others} other place{'s' * (others > 1)}" if others else ""
        yield Diagnosis(
            check_id,
            first.where + more,
            expected,
            found,
            first.message + more,
            first.place,
            meaning,
        )
