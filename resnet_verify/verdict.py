"""What is said about a target: diagnoses, check results, the verdict. Plain data, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["passed", "failed", "skipped", "not_run", "error"]
Judgement: TypeAlias = Literal["conforming", "defect", "error"]


@dataclass(frozen=True)
class Diagnosis:
    """One mistake, in words: where it is, what was expected there, what was found.

    `message` is the whole of it in one sentence. `place` is the target's own name for the
    spot (a parameter path or a source line), to help its author find it; it may be empty.
    """

    check: str
    where: str
    expected: str
    found: str
    message: str
    place: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class CheckResult:
    """How one check went. `message` says why unless it passed; `reproduce` is a command line."""

    id: str
    outcome: Outcome
    seconds: float
    message: str = ""
    reproduce: str = ""
    diagnoses: tuple[Diagnosis, ...] = ()


@dataclass(frozen=True)
class Identity:
    """What the network is: the documented form nearest to it."""

    arch: str
    variant: str
    num_classes: int | None
    in_channels: int
    stem: str
    head: str
    output_stride: int


@dataclass(frozen=True)
class ParameterTotals:
    """Element counts. `total` is trainable plus buffers, as Paddle counts."""

    trainable: int
    buffers: int

    @property
    def total(self) -> int:
        """Trainable and buffers together: 25,610,152 for ResNet-50."""
        return self.trainable + self.buffers


@dataclass(frozen=True)
class Verdict:
    """Everything that is said about one target. Diagnoses come most-causal first."""

    target: str
    framework: str
    framework_version: str
    judgement: Judgement
    identified: Identity | None
    params: ParameterTotals | None
    diagnoses: tuple[Diagnosis, ...]
    advice: tuple[str, ...]
    seconds: float
    checks: tuple[CheckResult, ...]
