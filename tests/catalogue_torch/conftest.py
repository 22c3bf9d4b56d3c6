"""What the tests of the PyTorch catalogue share."""

import ctypes
import gc
import sys
import warnings

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torch._dynamo")  # what compiles: `as_written` holds back what is imported

from resnet_verify.adapters.torch_capture import as_written  # noqa: E402


@pytest.fixture(autouse=True)
def quiet_and_repeatable():
    """A fixed seed, no compiling, and memory given back: hundreds of networks come and go.

    Compiling takes longer than all the rest, and what is compiled computes what is written.
    """
    torch.manual_seed(0)
    with as_written(), warnings.catch_warnings():
        # TorchScript warns of its own retirement when it is called.
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        yield
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
