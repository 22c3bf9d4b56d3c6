"""The reference ResNet: what every ResNet is held against.

Importing this package imports no framework. ``resnet_ref.paddle`` and its siblings
build the network of a `ResNetSpec` in one framework each.
"""

from resnet_ref.layout import Block, Network, layout
from resnet_ref.spec import ResNetSpec, documented_forms, spec

__all__ = ["Block", "Network", "ResNetSpec", "documented_forms", "layout", "spec"]
