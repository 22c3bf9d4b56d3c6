"""MindSpore's tensors and NumPy's arrays."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import mindspore
import numpy as np
from mindspore import Tensor

from resnet_verify.adapters.mindspore_runtime import executor

if TYPE_CHECKING:
    from resnet_verify.adapters import Array


def is_tensor(value: object) -> bool:
    """Whether `value` is a tensor of MindSpore's."""
    return isinstance(value, Tensor)


def array_of(tensor: Any) -> Array:
    """A copy as a NumPy array; bfloat16, which NumPy does not have, comes as float32."""
    if tensor.dtype == mindspore.bfloat16:
        tensor = tensor.astype(mindspore.float32)
    return np.array(tensor.asnumpy())


def tensor_of(array: Array, dtype: Any) -> Any:
    """A tensor of its own, of the type `dtype`."""
    # Wrapped anew: MindSpore does not report what some operators do to what another has made
    # out of its sight, as `astype` does here.
    return Tensor(Tensor(np.array(array, order="C")).astype(dtype))


def overwrite(pairs: Iterable[tuple[Any, Array]]) -> None:
    """Give tensors the values of arrays in place, keeping their types."""
    for tensor, array in pairs:
        shared = Tensor.from_numpy(np.asarray(array, order="C"))
        tensor.copy_(shared.astype(tensor.dtype))
    executor.sync()  # until then the arrays are being read


KEY = "resnet_verify key"
_numbers = itertools.count()


def key_of(tensor: Any) -> str:
    """The identity of a tensor, the same whatever Python object stands for it."""
    if tensor._get_user_data(KEY) is None:
        tensor._set_user_data(KEY, f"param:{next(_numbers)}")
    key: str = tensor._get_user_data(KEY)
    return key
