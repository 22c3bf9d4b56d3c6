"""What the tests of the reference share."""

import os

import pytest

# Before NumPy is imported: on busy cores, waiting threads of its matrix products cost six times
# what they gain on matrices as small as these.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(params=[True, False], ids=["training", "evaluation"])
def training(request) -> bool:
    return request.param
