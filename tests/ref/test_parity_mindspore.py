"""The MindSpore reference against the oracle: outputs, gradients, running statistics, steps.

In float32, the widest type of MindSpore's convolutions and norms on a CPU.
"""

import pytest

mindspore = pytest.importorskip("mindspore")

from tests.ref.contract import Float32Contract, ParityContract  # noqa: E402
from tests.ref.in_mindspore import FRAMEWORK  # noqa: E402


class TestParity(ParityContract, Float32Contract):
    framework = FRAMEWORK
