"""The catalogue of PyTorch networks; `tests.catalogue.entry` says what a row means."""

from __future__ import annotations

from tests.catalogue_torch.broken_table import BROKEN
from tests.catalogue_torch.correct_table import CORRECT

__all__ = ["BROKEN", "CORRECT"]
