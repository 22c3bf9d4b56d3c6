"""The reference ResNet: what every ResNet is held against.

Importing this package imports no framework. ``resnet_ref.paddle``, ``resnet_ref.torch``,
``resnet_ref.mindspore`` and ``resnet_ref.onnx`` build the network of a `ResNetSpec`, in one
framework each; ``resnet_ref.oracle`` judges them.
"""

from resnet_ref.layout import Block, Network, layout
from resnet_ref.spec import ResNetSpec, documented_forms, spec
from resnet_ref.tuning import tune

__all__ = ["Block", "Network", "ResNetSpec", "documented_forms", "layout", "spec", "tune"]
