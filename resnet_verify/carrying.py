"""Run the two halves of a transplant, each in a confined process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from resnet_verify import carried
from resnet_verify.carry import Cargo, Landing
from resnet_verify.carry_json import cargo_from_wire, landing_from_wire
from resnet_verify.confining import MEANINGLESS, Confined, Ended, There, memory_bound
from resnet_verify.recognised import CarryError
from resnet_verify.target import TargetError

T = TypeVar("T")


@dataclass(frozen=True)
class Order:
    """What is carried where. `limit` is the seconds that either half may take."""

    source: str
    destination: str
    weights: Path | None
    seed: int
    limit: float


class Half(Confined):
    """One half of a transplant in a confined process; `died` says whether it ended by itself."""

    def __init__(self, half: carried.Half, target: str, limit: float, *arguments: Any) -> None:
        bounds = (memory_bound("cpu"), half, target, limit)
        super().__init__(carried.serve_half, *bounds, *arguments)
        self.target = target
        self.died = False
        self._limit = limit

    def found(self, heed: Callable[[str], None], read: Callable[[Mapping[str, Any]], T]) -> T:
        """What it found, as `read` makes it of plain data; `heed` is told each step.

        Raises:
            TargetError: the target gives no network, a file no weights, or the process ended.
            CarryError: the networks differ.
        """
        since = time.monotonic()
        try:
            while "step" in (answer := self.answer(self._limit, since)):
                heed(str(answer["step"]))
            if "unloadable" in answer:
                raise TargetError(str(answer["unloadable"])) from There(answer.get("traceback"))
            if "different" in answer:
                raise CarryError(str(answer["different"])) from There(answer.get("traceback"))
            return _read(read, answer)
        except Ended as error:
            self.died = True
            raise TargetError(f"{self.target}: {error}") from None


def _read(read: Callable[[Mapping[str, Any]], T], answer: Mapping[str, Any]) -> T:
    try:
        return read(answer)
    except (KeyError, TypeError, ValueError) as error:
        raise Ended(MEANINGLESS) from error


@contextmanager
def carried_over(
    order: Order, name: str, heed: Callable[[str], None], printed: Callable[[str, str, bool], None]
) -> Iterator[tuple[Cargo, Landing, Path]]:
    """Carry the weights into a file `name`, which lies at the path given as long as this lasts.

    Args:
        order: what is carried where.
        name: of the file; its suffix says in which format.
        heed: is told each of `carry.STEPS` as it begins.
        printed: is told a target whose half failed, what it had printed, and whether its
            process ended by itself.

    Raises:
        TargetError: a target gives no network, a file no weights, or a process ended.
        CarryError: the networks differ, or their outputs.
    """
    limit = order.limit
    with Half(carried.source, order.source, limit, order.weights, order.seed) as first:
        with _heard(first, printed):
            cargo = first.found(heed, cargo_from_wire)
        arguments = (cargo, first.folder / carried.ARRAYS, name, order.seed)
        with Half(carried.destination, order.destination, limit, *arguments) as second:
            with _heard(second, printed):
                landing = second.found(heed, landing_from_wire)
            yield cargo, landing, second.folder / name


@contextmanager
def _heard(half: Half, printed: Callable[[str, str, bool], None]) -> Iterator[None]:
    try:
        yield
    except (CarryError, TargetError):
        printed(half.target, half.printed, half.died)
        raise
