"""Plant one mistake, judge the network, and note what was said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from resnet_ref.spec import spec
from resnet_verify.checks import select_checks
from resnet_verify.examine import Examination
from resnet_verify.target import Target
from tests.mutation.mistake import Mistake
from tests.mutation.program import program_of

# CIFAR networks are quick, so they come more often.
FORMS = (
    ("resnet20", "cifar-a"), ("resnet20", "cifar-b"), ("resnet32", "cifar-b"),
    ("resnet18", "v1"), ("resnet18", "vd"), ("resnet18", "v2"), ("resnet18", "se"),
    ("resnet34", "v1"), ("resnet50", "v1.5"), ("resnet50", "v1"), ("resnet50", "vc"),
    ("resnet50", "v2"), ("resnext50_32x4d", "v1.5"),
)  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """A mistake in one place of one network."""

    mistake: Mistake
    arch: str
    variant: str
    site: int
    framework: str

    def program(self):
        return self.mistake.plant(faultless(self.arch, self.variant), self.site)

    @property
    def block(self):
        return faultless(self.arch, self.variant).block(self.site)

    def build(self):
        return import_module(f"tests.mutation.in_{self.framework}").build(self.program())


@dataclass(frozen=True)
class Outcome:
    """What was found: each check's outcome and cost, and the first diagnosis."""

    judgement: str
    first: str
    failed: tuple[str, ...]
    seconds: dict[str, float]
    errors: tuple[str, ...]

    def named(self, planted):
        """Whether the first diagnosis names the mistake and, where it must, the place."""
        right = re.search(planted.mistake.words, self.first, re.IGNORECASE) is not None
        return right and (not planted.mistake.near or planted.block in self.first)


@cache
def places(mistake, arch, variant):
    """The sites of a mistake in a form; none where it cannot be made there."""
    return list(mistake.sites(faultless(arch, variant)))


@cache
def faultless(arch, variant):
    """The program of a form."""
    return program_of(spec(arch, variant))


def judge(planted, *families):
    options = {}
    if planted.mistake.asked:
        options = {"arch": planted.arch, "variant": planted.variant}
    target = Target(planted.mistake.id, planted.build)
    examination = Examination(target, **options)
    checks = [check for check in select_checks(families) if not check.on_demand]
    results = [examination.run(check) for check in checks]
    verdict = examination.verdict(results)
    first = verdict.diagnoses[0] if verdict.diagnoses else None
    unjudged = [r for r in results if r.outcome in ("error", "not_run")]
    return Outcome(
        verdict.judgement,
        f"{first.check}: {first.where}: {first.message}" if first else "",
        tuple(r.id for r in results if r.outcome == "failed"),
        {r.id: r.seconds for r in results},
        tuple(f"{r.id} {r.outcome}: {r.message}" for r in unjudged[:2]),
    )
