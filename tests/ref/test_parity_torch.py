"""The PyTorch reference against the oracle: outputs, gradients, running statistics, steps."""

import pytest

pytest.importorskip("torch")

from tests.ref.contract import Float32Contract, Float64Contract
from tests.ref.in_torch import FRAMEWORK


class TestParity(Float64Contract, Float32Contract):
    framework = FRAMEWORK
