"""MindSpore's adapter keeps the contract; and what is MindSpore's own."""

import pytest

mindspore = pytest.importorskip("mindspore")

from resnet_verify.adapters.contract import AdapterContract  # noqa: E402
from resnet_verify.adapters.mindspore import ADAPTER  # noqa: E402


class TestContract(AdapterContract):
    adapter = ADAPTER
