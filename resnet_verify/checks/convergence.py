"""Convergence: trained on real images, the target learns as its twin does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resnet_verify.checks import NotApplicable, NotRun, check
from resnet_verify.learning import FLOOR, LEARNED, Curve, learned
from resnet_verify.learning_data import real_images
from resnet_verify.verdict import Diagnosis

if TYPE_CHECKING:
    from resnet_verify.examine import Examination

CHECK, MIXED_CHECK = "CNV-TWIN", "CNV-BFLOAT16"
REPLICAS = 3
"""Twins whose weights are moved a little: how far they drift is what rounding may do."""
MARGIN = 5.0
"""How much farther than the farthest replica a target may drift. The target is one more draw
from the replicas' distribution if it is right, and beyond five times the highest of three is
nowhere near it; a mistake in learning is off by orders of magnitude after a few steps."""


@check(
    CHECK,
    source="Goyal et al. 2017, https://arxiv.org/abs/1706.02677: curves of right runs match",
    training=True,
    on_demand=True,
)
def as_the_twin(examination: Examination) -> Iterator[Diagnosis]:
    """Trained on real images it learns as its twin does: the same curve, as far as rounding lets.

    Target and twin start from the same weights, drawn as documented, and see the same handwritten
    digits (scikit-learn's, or CIFAR-10 from RESNET_VERIFY_DATA for colour images) in the same
    order, under the same SGD with momentum. At every step their training losses are compared, at
    some steps their losses on other images in evaluation mode, and in the end the target must
    know the images. How far rounding alone may drive curves apart is measured: the twin is
    trained three more times, from weights that are moved by a millionth. It needs scikit-learn,
    takes a minute or so on two cores, and runs where it is selected or on a GPU.
    """
    yield from _compared(examination, CHECK, mixed=False)


@check(
    MIXED_CHECK,
    source="Kalamkar et al. 2019, https://arxiv.org/abs/1905.12322: bfloat16 trains as float32",
    training=True,
    on_demand=True,
)
def in_bfloat16(examination: Examination) -> Iterator[Diagnosis]:
    """Trained on real images in mixed precision, with bfloat16, it learns as its twin does.

    As CNV-TWIN, with all passes of target, twin and moved twins under the framework's own automatic
    mixed precision, and the weights of the moved twins moved by what bfloat16 rounds off. It is for
    PyTorch, and for Paddle on a GPU, and runs where it is selected or on a GPU.
    """
    yield from _compared(examination, MIXED_CHECK, mixed=True)


def _compared(examination: Examination, check_id: str, *, mixed: bool) -> Iterator[Diagnosis]:
    if examination.identity.head == "none":
        raise NotApplicable("a network without a classifier is not trained to classify")
    data = real_images(examination)
    twin = learned(examination, data, of_twin=True, mixed=mixed)
    if twin.accuracy < LEARNED:
        raise NotRun(
            f"the twin itself learns too little in {twin.steps} steps to compare with: "
            f"accuracy {twin.accuracy:.2f}, needed {LEARNED}"
        )
    replicas = [
        learned(examination, data, of_twin=True, moved=number, steps=twin.steps, mixed=mixed)
        for number in range(1, REPLICAS + 1)
    ]
    target = learned(examination, data, of_twin=False, steps=twin.steps, mixed=mixed)
    yield from _parting(examination, check_id, target, twin, replicas)
    if target.accuracy < FLOOR:
        yield _diagnosis(
            check_id,
            "accuracy on images it has seen", f"at least {FLOOR}", f"{target.accuracy:.2f}",
            f"after {twin.steps} steps it knows {target.accuracy:.0%} of the images that it was "
            f"trained on; its twin {twin.accuracy:.0%}",
        )  # fmt: skip


def _parting(
    examination: Examination, check_id: str, target: Curve, twin: Curve, replicas: list[Curve]
) -> Iterator[Diagnosis]:
    """The first point at which the target is farther from its twin than rounding explains."""
    drift = 0.0
    for point, (name, wanted) in twin.points.items():
        spread = max(abs(replica.points[point][1] - wanted) for replica in replicas)
        drift = max(drift, spread)
        found = target.points[point][1]
        allowed = examination.tolerance * (MARGIN * drift + twin.rounding)
        if not abs(found - wanted) <= allowed:
            yield _diagnosis(
                check_id,
                f"{name}, since step {point[0]}",
                f"{wanted:.4f}, the twin's, give or take {allowed:.1g}",
                f"{found:.4f}",
                f"it learns otherwise than its twin since step {point[0]}: {name} {found:.4f}, "
                f"the twin's {wanted:.4f}, and rounding explains {allowed:.1g}",
            )
            return


def _diagnosis(check_id: str, where: str, expected: str, found: str, message: str) -> Diagnosis:
    return Diagnosis(check_id, where, expected, found, message)
