"""What is global in Python and NumPy, whatever the framework."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def python_state() -> Iterator[None]:
    """The generators of `random` and NumPy, and the warning filters, are put back on exit."""
    python, numpy_state = random.getstate(), np.random.get_state()
    filters = list(warnings.filters)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_state)
        warnings.filters[:] = filters  # type: ignore[index]
