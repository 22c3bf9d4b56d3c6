"""The command line's own process is tuned, and only with what the processor allows."""

import pytest

from resnet_ref.tuning import mkl_cpu_type

AMD = "vendor_id\t: AuthenticAMD\nflags\t\t: fpu sse {flags}\n"


@pytest.mark.parametrize(
    ("cpuinfo", "cpu_type"),
    [
        (AMD.format(flags="avx2 avx512f"), "7"),
        (AMD.format(flags="avx2"), "5"),
        (AMD.format(flags="avx"), ""),
        ("vendor_id\t: GenuineIntel\nflags\t\t: avx2 avx512f\n", ""),
        ("", ""),
    ],
)
def test_the_mkl_code_path_is_one_that_the_processor_has(cpuinfo, cpu_type):
    assert mkl_cpu_type(cpuinfo) == cpu_type
