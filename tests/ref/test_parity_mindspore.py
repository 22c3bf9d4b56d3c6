"""The MindSpore reference against the oracle: outputs, gradients, running statistics, steps.

In float32, the widest type of MindSpore's convolutions and norms on a CPU.
"""

import pytest

pytest.importorskip("mindspore")

from tests.ref.contract import Float32Contract
from tests.ref.in_mindspore import FRAMEWORK


class TestParity(Float32Contract):
    framework = FRAMEWORK
