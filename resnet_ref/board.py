"""The measures of a run for TensorBoard, by tensorboardX, which needs no framework."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

TAGS = {
    "train_loss": "loss/train",
    "test_loss": "loss/test",
    "train_accuracy": "accuracy/train",
    "test_accuracy": "accuracy/test",
    "rate": "learning_rate",
    "images_per_second": "images_per_second",
}
"""The names under which TensorBoard shows the measures of an epoch."""


class Board:
    """Event files in a folder, as a context; the step is the number of epochs done.

    Raises:
        ValueError: tensorboardX is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import tensorboardX
        except ImportError as error:
            raise ValueError(
                f"--tensorboard needs tensorboardX ({error}); pip install 'resnet-verify[train]'"
            ) from error
        self._make = tensorboardX.SummaryWriter
        self._folder = folder
        self._writer: Any = None

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, line: Mapping[str, float]) -> None:
        """Write the measures of an epoch; what a killed run wrote of later ones is void."""
        done = int(line["epoch"]) + 1
        if self._writer is None:
            self._writer = self._make(str(self._folder), purge_step=done)
        for name, tag in TAGS.items():
            self._writer.add_scalar(tag, line[name], done)
        self._writer.flush()
