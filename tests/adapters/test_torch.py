"""PyTorch's adapter keeps the contract; and what is PyTorch's own."""

import pytest

torch = pytest.importorskip("torch")

from resnet_verify.adapters.contract import AdapterContract  # noqa: E402
from resnet_verify.adapters.torch import ADAPTER  # noqa: E402


class TestContract(AdapterContract):
    adapter = ADAPTER
