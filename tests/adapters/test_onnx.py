"""ONNX keeps the contract."""

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from resnet_verify.adapters.contract import AdapterContract
from resnet_verify.adapters.onnx import ADAPTER


class TestContract(AdapterContract):
    adapter = ADAPTER
