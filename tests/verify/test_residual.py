"""The residual laws: each fails on networks that break it, and holds in those that do not."""

from __future__ import annotations

import pytest

from tests.mutation.draw import MISTAKES, drawn
from tests.mutation.measure import judge
from tests.mutation.mistake import Mistake, only

FORMS = (("resnet20", "cifar-a"), ("resnet20", "cifar-b"), ("resnet18", "v1"), ("resnet18", "v2"))
RIGHT = Mistake("right", "", only(("stem", 0)), lambda program, position: program)


def laws_broken(mistake, framework, form):
    """The residual checks that fail, of a mistake drawn in one place of a form."""
    pytest.importorskip(framework)
    (planted,) = drawn(mistake, [framework], 1, 0, [form])
    return judge(planted, "RES").failed


@pytest.mark.parametrize("framework", ["torch", "paddle"])
@pytest.mark.parametrize("form", FORMS)
def test_they_hold_in_right_networks(framework, form):
    assert laws_broken(RIGHT, framework, form) == ()


@pytest.mark.parametrize("framework", ["torch", "paddle"])
@pytest.mark.parametrize(
    ("name", "form", "broken"),
    [
        ("norm-after-add", FORMS[1], ("RES-ZERO", "RES-IDENTITY")),
        ("sum-scaled", FORMS[1], ("RES-ZERO", "RES-IDENTITY")),
        ("no-addition", FORMS[1], ("RES-ZERO", "RES-IDENTITY")),
        ("shortcut-normalised", FORMS[2], ("RES-IDENTITY", "RES-PROJECTION")),
        ("shortcut-pooled", FORMS[3], ("RES-IDENTITY", "RES-PROJECTION")),
        ("shortcut-from-inside", FORMS[2], ("RES-IDENTITY", "RES-PROJECTION")),
        ("stride-lost", FORMS[0], ("RES-SHAPE",)),
        ("stem-stride-lost", FORMS[2], ("RES-SHAPE",)),
    ],
)
def test_they_fail_on_what_breaks_them(framework, name, form, broken):
    (mistake,) = (each for each in MISTAKES if each.id == name)
    assert laws_broken(mistake, framework, form) == broken
