"""Paddle keeps the contract."""

import pytest

paddle = pytest.importorskip("paddle")

from resnet_verify.adapters.contract import AdapterContract  # noqa: E402
from resnet_verify.adapters.paddle import ADAPTER  # noqa: E402


class TestContract(AdapterContract):
    adapter = ADAPTER
