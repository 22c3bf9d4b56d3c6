"""What the command line is doing, said on stderr while it works."""

from __future__ import annotations

import shutil
from typing import TextIO


class Progress:
    """What is being done, on one line that is overwritten on a terminal, else said once."""

    def __init__(self, target: str, stream: TextIO) -> None:
        self._target = target
        self._stream = stream
        self._live = stream.isatty()

    def __enter__(self) -> Progress:
        if self._live:
            self._write(f"{self._target}  loading")
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._live:
            self._write("")

    def show(self, check_id: str, number: int, total: int) -> None:
        """Say that the check `number` of `total` is about to run."""
        if self._live:
            self._write(f"{self._target}  {number}/{total}  {check_id}")
        elif number == 1:
            print(f"resnet-verify: judging {self._target}", file=self._stream, flush=True)

    def _write(self, text: str) -> None:
        columns = shutil.get_terminal_size().columns
        self._stream.write(f"\r\x1b[K{text[: columns - 1]}")
        self._stream.flush()
