"""Tests of a framework are collected where it is installed; the others need none."""

from importlib.util import find_spec

ONNX = find_spec("onnx") and find_spec("onnxruntime")
collect_ignore = [] if ONNX else ["test_onnx.py", "test_onnx_operators.py"]
collect_ignore += [] if ONNX and find_spec("torch") else ["test_onnx_exports.py"]
