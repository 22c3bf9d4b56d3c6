"""A file that unpacks to far more than it takes is there to fill the memory."""

from __future__ import annotations

from pathlib import Path

ALWAYS = 64 << 20
"""Bytes that any file may unpack to."""
TIMES = 20
"""No format of weights is compressed as it is written; what is packed afterwards gains little."""


def require_proportion(path: Path, claimed: int, held: int) -> None:
    """Refuse a file that claims many more bytes than it holds.

    Args:
        path: of the file.
        claimed: the bytes that are in it by its own account.
        held: the bytes that it takes, with those of the files that belong to it.

    Raises:
        ValueError: they are out of proportion.
    """
    if claimed > max(ALWAYS, TIMES * held):
        raise ValueError(
            f"{path} is refused: it holds {held / 1e6:,.1f} MB and claims to hold "
            f"{claimed / 1e6:,.1f} MB of weights"
        )
