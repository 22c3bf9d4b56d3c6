"""The keywords by which a ResNet is asked for, those of `resnet_ref.spec.spec`."""

from __future__ import annotations

from typing import TypedDict

from resnet_ref.spec import Head, Stem


class Form(TypedDict, total=False):
    """What ``resnet18()`` to ``resnet152()`` take, in every framework."""

    variant: str | None
    num_classes: int | None
    in_channels: int
    stem: Stem | None
    head: Head | None
    output_stride: int | None
