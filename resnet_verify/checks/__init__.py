"""The registry of checks: one check is one small function with an id, a promise and a source.

A check takes an `Examination` and yields a `Diagnosis` for each mistake; yielding nothing is
passing. It raises `NotRun` where the target does not let it judge, and `NotApplicable` where
there is nothing to judge, saying why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resnet_verify.examine import Examination
    from resnet_verify.verdict import Diagnosis

FAMILIES = (
    "structure",
    "parameters",
    "initial",
    "residual",
    "state",
    "numerics",
    "images",
    "training",
    "precision",
    "copies",
    "convergence",
    "parallel",
)


class NotRun(Exception):  # an outcome, not an error
    """The check could not judge this target; the message says why."""


class NotApplicable(Exception):  # an outcome, not an error
    """The check asks for something that this target has not; the message says what."""


class UnknownCheckError(ValueError):
    """A selection names no check; the message lists the valid ids."""


@dataclass(frozen=True)
class Check:
    """One property that a target is held to.

    `promise` is one sentence; `explanation` is the rest of the function's docstring: how it
    is judged, and with what source. `training` says that it asks for a training mode.
    `on_demand` says that it takes long, and runs where it is selected, or on a GPU.
    """

    id: str
    promise: str
    explanation: str
    source: str
    function: Callable[[Examination], Iterable[Diagnosis]]
    training: bool = False
    on_demand: bool = False


_REGISTRY: dict[str, Check] = {}


def check(
    check_id: str, *, source: str, training: bool = False, on_demand: bool = False
) -> Callable[[Callable[[Examination], Iterable[Diagnosis]]], Check]:
    """Register a function as the check `check_id`; its docstring's first line is its promise."""

    def register(function: Callable[[Examination], Iterable[Diagnosis]]) -> Check:
        promise, _, explanation = (function.__doc__ or "").strip().partition("\n")
        dedented = "\n".join(line.strip() for line in explanation.strip().splitlines())
        found = Check(
            check_id, promise.rstrip("."), dedented, source, function, training, on_demand
        )
        _REGISTRY[check_id] = found
        return found

    return register


def all_checks() -> dict[str, Check]:
    """Every check by its id, most-causal family first."""
    for family in FAMILIES:
        import_module(f"resnet_verify.checks.{family}")
    by_family = sorted(_REGISTRY.values(), key=_family)  # one imports another
    return {found.id: found for found in by_family}


def _family(found: Check) -> int:
    """The position of a check's family."""
    name = found.function.__module__.rpartition(".")[2]
    return FAMILIES.index(name) if name in FAMILIES else len(FAMILIES)


def select_checks(
    select: Sequence[str] = (), exclude: Sequence[str] = (), *, on_demand: bool = False
) -> list[Check]:
    """The checks whose id starts with one of `select` (all, if empty) and none of `exclude`.

    Without `select` those that run on demand are left out unless `on_demand` asks for them.

    Raises:
        UnknownCheckError: an entry is neither an id nor a prefix of one.
    """
    checks = all_checks()
    for entry in (*select, *exclude):
        if not entry or not any(check_id.startswith(entry) for check_id in checks):
            raise UnknownCheckError(
                f"no check has the id or prefix {entry!r}; valid ids: {', '.join(checks)}"
            )
    return [
        found
        for check_id, found in checks.items()
        if (check_id.startswith(tuple(select)) if select else on_demand or not found.on_demand)
        and not check_id.startswith(tuple(exclude))
    ]
