"""Real images to train a target on, of the size and channels that it takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from resnet_ref import data as datasets
from resnet_verify.checks import NotRun

if TYPE_CHECKING:
    from resnet_verify.adapters import Array
    from resnet_verify.examine import Examination

IMAGES = 32
"""Images that are trained on, over and over: few, so that a few steps are enough."""
HELD_OUT = 32
SIDE = 32
CIFAR10 = "cifar-10-python.tar.gz", "cifar-10-subset-python.tar.gz"


@dataclass(frozen=True)
class LearningData:
    """Normalised images (N, C, H, W) in float32 and labels (N,): to train on, and held out."""

    images: Array
    labels: Array
    held_out: Array
    held_out_labels: Array


def real_images(examination: Examination) -> LearningData:
    """Images of the size and channels that the target takes.

    Raises:
        NotRun: scikit-learn is missing, or the file in RESNET_VERIFY_DATA cannot be read.
    """
    colour = examination.identity.in_channels == 3
    try:
        split = _cifar10() if colour and _archive() else datasets.digits()
    except datasets.DataError as error:
        raise NotRun(str(error)) from error
    height, width = _image_size(examination)
    channels = examination.identity.in_channels
    train = _prepared(split.train.first(IMAGES).pixels, channels, height, width)
    held_out = _prepared(split.test.first(HELD_OUT).pixels, channels, height, width)
    return LearningData(train, split.train.labels[:IMAGES], held_out, split.test.labels[:HELD_OUT])


def _archive() -> Path | None:
    folder = os.environ.get("RESNET_VERIFY_DATA")
    found = [Path(folder, name) for name in CIFAR10] if folder else []
    return next((path for path in found if path.exists()), None)


def _cifar10() -> datasets.Split:
    path = _archive()
    assert path is not None  # the caller has seen it
    return datasets.cifar10(path)


def _image_size(examination: Examination) -> tuple[int, int]:
    """What the target takes; small where it leaves that open."""
    shape = examination.shapes[0]
    height, width = shape[1:3] if examination.probe.channels_last else shape[2:]
    fixed = len(examination.shapes) == 1
    return (height, width) if fixed else (min(height, SIDE), min(width, SIDE))


def _prepared(pixels: Array, channels: int, height: int, width: int) -> Array:
    """Resized to the nearest pixel, with mean 0 and deviation 1; grey where channels differ."""
    rows = np.arange(height) * pixels.shape[2] // height
    columns = np.arange(width) * pixels.shape[3] // width
    resized = pixels[:, :, rows][..., columns].astype(np.float32)
    if resized.shape[1] != channels:
        resized = np.repeat(resized.mean(1, keepdims=True), channels, 1)
    centred: Array = (resized - resized.mean()) / resized.std()
    return centred
