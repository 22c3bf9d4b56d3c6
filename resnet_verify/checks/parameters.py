"""Parameters: registered, used, and as many as documented."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from resnet_ref.places import slots
from resnet_verify.checks import check
from resnet_verify.form import parameters
from resnet_verify.match import paired
from resnet_verify.transplant import HOLDERS, roles
from resnet_verify.verdict import Diagnosis

if TYPE_CHECKING:
    from resnet_verify.examine import Examination

REGISTRATION = "https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/Layer_en.html"
TABLE = "He et al. 2016, https://arxiv.org/abs/1512.03385, table 1; resnet_ref.totals"


@check("PAR-REGISTERED", source=REGISTRATION)
def registered(examination: Examination) -> Iterator[Diagnosis]:
    """Every parameter that is used is registered: optimisers see it, and it is saved."""
    graph = examination.match.found.graph
    for node, place in paired(examination.match):
        for role, value in roles(node).items():
            if not all(param.registered for param in graph.parts(value)):
                yield Diagnosis(
                    "PAR-REGISTERED", f"{place.where}, {role}",
                    "registered with the network", "held outside of it, in a plain list say",
                    f"{place.where}: its {role} is not registered with the network: no optimiser "
                    "trains it and no state_dict saves it",
                    node.origin,
                )  # fmt: skip
                break


@check("PAR-USED", source=REGISTRATION)
def used(examination: Examination) -> Iterator[Diagnosis]:
    """Every registered parameter takes part in the forward pass."""
    graph = examination.match.found.graph
    if idle := [param for param in graph.idle if param.trainable]:
        first, count = idle[0], len(idle)
        size = sum(prod(param.shape) for param in idle)
        yield Diagnosis(
            "PAR-USED", first.name, "takes part in the forward pass", "unused",
            f"{count} registered parameter{'s' * (count > 1)} ({size:,} numbers) "
            f"never used: {_listed([param.name for param in idle])}",
            first.name,
        )  # fmt: skip


@check("PAR-TOTAL", source=TABLE)
def total(examination: Examination) -> Iterator[Diagnosis]:
    """The parameters add up to the documented total, trainable ones and running statistics.

    Counted from what is registered, each tensor once, but for buffers that nothing reads: a
    loss's weights, say. Where the sum is off, the layers that make the difference are named.
    """
    expected = parameters(examination.match.form)
    found, idle = examination.totals, examination.match.found.graph.idle_buffers
    buffers = found.buffers - sum(prod(param.shape) for param in idle)
    if (found.trainable, buffers) != (expected[True], expected[False]):
        words = (f"{t:,} trainable + {b:,} buffers" for t, b in (
            (expected[True], expected[False]), (found.trainable, buffers)))  # fmt: skip
        documented, have = words
        culprits = list(_culprits(examination))
        yield Diagnosis(
            "PAR-TOTAL", culprits[0][0] if culprits else "the whole network", documented, have,
            f"the parameters are {have}; documented are {documented}"
            + (f": {'; '.join(text for _, text in culprits[:3])}" if culprits else ""),
        )  # fmt: skip


def _culprits(examination: Examination) -> Iterator[tuple[str, str]]:
    """(location, words) of each layer whose parameters are more or fewer than documented."""
    graph = examination.match.found.graph
    seen: set[str] = set()
    for node, place in paired(examination.match):
        held = [p for v in roles(node).values() for p in graph.parts(v) if p.registered]
        have = sum(prod(p.shape) for p in held if p.key not in seen)
        seen |= {param.key for param in held}
        want = sum(prod(s.shape) for s in slots(place.op)) if isinstance(place.op, HOLDERS) else 0
        if have != want:
            yield place.where, f"{place.where} has {have:,} where {want:,} are documented"
    seen |= {param.key for param in graph.idle_buffers}
    unpaired = [p for p in graph.registered if p.key not in seen]
    if unpaired:
        names = _listed([param.name for param in unpaired])
        size = sum(prod(param.shape) for param in unpaired)
        yield unpaired[0].name, f"{names} with {size:,} numbers are not in the form"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")
