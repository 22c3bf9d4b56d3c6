"""What the command line is doing, said on stderr while it works."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from threading import Lock
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
            overwrite(self._stream, f"{self._target}  loading")
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._live:
            overwrite(self._stream, "")

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
            overwrite(self._stream, text)
        elif first:
            print(f"resnet-verify: {self._doing} {self._target}", file=self._stream, flush=True)


class Board:
    """What is being done to several targets at a time, on one line as `Progress` has it.

    Threads may share it.
    """

    def __init__(self, targets: Sequence[str], stream: TextIO) -> None:
        self._targets = targets
        self._stream = stream
        self._live = stream.isatty()
        self._doing: dict[int, str] = {}
        self._done = 0
        self._lock = Lock()

    def show(self, position: int, check_id: str, number: int, total: int) -> None:
        """Say that the check `number` of `total` of the target at `position` is about to run."""
        target = self._targets[position]
        with self._lock:
            first = position not in self._doing
            self._doing[position] = f"{target}  {number}/{total}  {check_id}"
            if self._live:
                self._draw()
            elif first:
                print(f"resnet-verify: judging {target}", file=self._stream, flush=True)

    def finish(self, position: int) -> None:
        """Say that the target at `position` is judged."""
        with self._lock:
            self._doing.pop(position, None)
            self._done += 1

    def __enter__(self) -> Board:
        if self._live:
            self._draw()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Make room for other lines; what is shown next appears below them."""
        with self._lock:
            if self._live:
                overwrite(self._stream, "")

    def _draw(self) -> None:
        several = len(self._targets) > 1
        counts = [f"{self._done}/{len(self._targets)} judged"] if several else []
        doing = list(self._doing.values()) or [f"{self._targets[self._done]}  loading"]
        overwrite(self._stream, " | ".join([*counts, *doing]))


def overwrite(stream: TextIO, text: str) -> None:
    """Put `text`, as far as the terminal has room, in place of the terminal's last line."""
    columns = shutil.get_terminal_size().columns
    stream.write(f"\r\x1b[K{text[: columns - 1]}")
    stream.flush()
