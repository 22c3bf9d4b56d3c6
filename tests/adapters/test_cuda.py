"""Why a build can use no GPU: what the driver says, and which devices it has code for."""

import ctypes

import pytest

from resnet_ref.cuda import architecture_problem, driver_problem

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


class Driver:
    """NVIDIA's library as far as it is asked: what cuInit returns, and the CUDA it serves."""

    def __init__(self, code=0, serves=12040):
        self._code, self._serves = code, serves

    def cuInit(self, _flags):
        return self._code

    def cuDriverGetVersion(self, number):
        ctypes.cast(number, ctypes.POINTER(ctypes.c_int))[0] = self._serves
        return 0


@pytest.mark.parametrize("built_for", ["12.4", "12.9", "11.8", "False", None])
def test_a_driver_serves_its_own_major_version_and_earlier_ones(built_for):
    assert driver_problem(built_for, lambda _name: Driver()) == ""


@pytest.mark.parametrize(
    ("driver", "built_for", "words"),
    [
        (Driver(serves=11040), "12.6", "too old: it serves CUDA 11.4, and this build is for 12.6; "
         "update the driver, or install a build for CUDA 11"),
        (Driver(803), "12.6", "error 803: the driver's library and kernel module are of "
         "different versions; restart the machine"),
        (Driver(100), "12.6", "error 100: the driver sees no GPU; does CUDA_VISIBLE_DEVICES"),
        (Driver(7), "12.6", "error 7: look the number up as CUresult"),
    ],
)  # fmt: skip
def test_a_driver_that_does_not_serve_says_why_and_the_remedy(driver, built_for, words):
    assert words in driver_problem(built_for, lambda _name: driver)


def test_a_missing_driver_is_told():
    def missing(name):
        raise OSError(name)

    assert "there is no NVIDIA driver" in driver_problem("12.6", missing)


@pytest.mark.parametrize("framework", ["torch", "paddle"])
def test_a_build_without_cuda_says_what_to_install(framework):
    pytest.importorskip(framework)
    if framework == "torch":
        from resnet_ref.torch_gpu import gpu_problem
    else:
        from resnet_ref.paddle_gpu import gpu_problem
    problem = gpu_problem()
    if "built without CUDA" not in problem:
        pytest.skip("this build is one for a GPU")
    assert "; install" in problem
