"""The Paddle reference against the oracle: outputs, gradients, running statistics, steps."""

import pytest

pytest.importorskip("paddle")

from tests.ref.contract import Float32Contract, Float64Contract
from tests.ref.in_paddle import FRAMEWORK


class TestParity(Float64Contract, Float32Contract):
    framework = FRAMEWORK
