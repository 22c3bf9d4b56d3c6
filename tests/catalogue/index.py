"""The catalogue: networks with a known verdict.

`BROKEN` and `CORRECT` are the two tables; `tests.catalogue.entry` says what a row means.
"""

from __future__ import annotations

from tests.catalogue.broken_table import BROKEN
from tests.catalogue.correct_table import CORRECT
from tests.catalogue.entry import Broken, Correct

__all__ = ["BROKEN", "CORRECT", "Broken", "Correct"]
