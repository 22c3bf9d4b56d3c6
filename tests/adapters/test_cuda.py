"""Which GPUs a build has code for."""

import pytest

from resnet_verify.adapters.cuda import architecture_problem

BUILD = ["sm_70", "sm_80", "sm_86", "compute_86"]


@pytest.mark.parametrize(
    ("capability", "compiled"),
    [
        ((8, 6), BUILD),
        ((7, 5), BUILD),  # native code of the same generation
        ((9, 0), BUILD),  # PTX, compiled at run time
        ((9, 0), ["sm_90a"]),
        ((9, 0), []),  # nothing is told
    ],
)
def test_these_run(capability, compiled):
    assert architecture_problem(capability, compiled) == ""


@pytest.mark.parametrize(
    ("capability", "compiled", "words"),
    [
        ((6, 1), BUILD, "capability 6.1, is too old for this build"),
        ((9, 0), BUILD[:3], "capability 9.0, is too new for this build"),
        ((10, 0), ["sm_90", "sm_90a"], "capability 10.0, is too new"),
        ((8, 0), ["sm_86"], "too old"),
        ((12, 0), ["compute_90a"], "too new"),
    ],
)
def test_these_do_not_and_the_remedy_is_told(capability, compiled, words):
    problem = architecture_problem(capability, compiled)
    assert words in problem
    assert "install one for" in problem
