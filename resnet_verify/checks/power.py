"""What each check has been measured to find: the mistakes of `docs/detection-power.md`."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Power:
    """Of `planted` kinds of mistakes a check fails on `finds`, and is the first on `names`."""

    finds: int
    names: int
    planted: int

    @property
    def score(self) -> float:
        """The mutation score: the share of the kinds of mistakes that the check fails on."""
        return self.finds / self.planted


def measured() -> dict[str, Power]:
    """The measured power by the check's id, from ``power.tsv``, which the measurement writes."""
    text = (files("resnet_verify.checks") / "power.tsv").read_text()
    return {
        row["check"]: Power(int(row["finds"]), int(row["names"]), int(row["planted"]))
        for row in csv.DictReader(text.splitlines(), delimiter="\t")
    }
