"""What ONNX's operators mean in the words of `resnet_verify.graph`.

The semantics are those of https://onnx.ai/onnx/operators, opsets 9 to 20 and later ones as
far as they are the same. What no table knows is an `Other`, under its own name.
"""

from __future__ import annotations

from resnet_verify.adapters.onnx_arithmetic import ARITHMETIC
from resnet_verify.adapters.onnx_layers import LAYERS
from resnet_verify.adapters.onnx_layout import LAYOUT
from resnet_verify.adapters.onnx_meaning import Meaning, unknown
from resnet_verify.adapters.onnx_reading import Call

OPERATORS = {**LAYERS, **ARITHMETIC, **LAYOUT}


def meaning(call: Call) -> Meaning:
    """What a call means; an operator that is not in the table is an `Other`."""
    return OPERATORS.get(call.name, unknown)(call)
