"""What the tests of the catalogue share."""

import ctypes
import gc
import sys

import pytest


@pytest.fixture(autouse=True)
def memory_given_back():
    """Hundreds of networks come and go in one process; glibc keeps what Paddle frees."""
    yield
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
