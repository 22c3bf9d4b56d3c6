"""What the command line is doing, said on stderr while it works."""

from __future__ import annotations

import shutil
from typing import TextIO

BAR = 20


class Progress:
    """What is being done, on one line that is overwritten on a terminal, else said once.

    `doing` is what is done to the target: it is judged, unless that says otherwise.
    """

    def __init__(self, target: str, stream: TextIO, doing: str = "judging") -> None:
        self._target = target
        self._stream = stream
        self._doing = doing
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
        self._say(f"{self._target}  {number}/{total}  {check_id}", first=number == 1)

    def show_bar(self, step: str, number: int, total: int) -> None:
        """Say that the step `number` of `total` is about to begin, beside a bar of those done."""
        done = BAR * (number - 1) // total
        bar = "#" * done + "-" * (BAR - done)
        self._say(f"[{bar}] {number}/{total} {step}  {self._target}", first=number == 1)

    def _say(self, text: str, *, first: bool) -> None:
        if self._live:
            self._write(text)
        elif first:
            print(f"resnet-verify: {self._doing} {self._target}", file=self._stream, flush=True)

    def _write(self, text: str) -> None:
        columns = shutil.get_terminal_size().columns
        self._stream.write(f"\r\x1b[K{text[: columns - 1]}")
        self._stream.flush()
