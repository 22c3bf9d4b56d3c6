"""Paddle's files of weights, read without `paddle.load`: that unpickles, and so may run code.

A ``.pdparams`` file is a pickle of NumPy arrays by name, beside a table of Paddle's own names
for them, or of pairs of such a name and an array. (`paddle.load` of 2.6.2 and of 3.3 calls
`pickle.load`, in paddle/framework/io.py, and that calls whatever the file names.)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from resnet_ref.pickled_arrays import ArrayUnpickler, RefusedError
from resnet_verify.adapters.bfloat16 import as_float32

if TYPE_CHECKING:
    from resnet_verify.adapters import Array

NAME_TABLE = "StructuredToParameterName@@"


def read_pdparams(path: Path) -> dict[str, Array]:
    """The arrays in a ``.pdparams`` file by their names; bfloat16 comes as float32.

    A checkpoint may hold them one level down, beside the optimiser's.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such pickle, or asks for anything but arrays.
    """
    with path.open("rb") as stream:
        try:
            found = ArrayUnpickler(stream, path.stat().st_size, "latin1").load()
        except RefusedError as error:
            raise ValueError(f"{path} is refused: it is to run {error}") from error
        except Exception as error:  # whatever a damaged file makes of the unpickler
            what = f"{type(error).__name__}: {error}"
            raise ValueError(f"{path} is damaged, or no .pdparams file ({what})") from error
    inner = found.values() if isinstance(found, Mapping) else ()
    for named in (found, *inner):
        arrays = _arrays(named)
        if arrays:
            return arrays
    raise ValueError(f"{path} holds no arrays by name")


def _arrays(named: object) -> dict[str, Array]:
    """The arrays of a state, empty where `named` is none."""
    if not isinstance(named, Mapping):
        return {}
    found = {str(name): _array(value) for name, value in named.items() if name != NAME_TABLE}
    arrays = {name: array for name, array in found.items() if array is not None}
    return arrays if len(arrays) == len(found) else {}


def _array(value: object) -> Array | None:
    if isinstance(value, tuple) and len(value) == 2:  # (Paddle's own name, array)
        value = value[1]
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
        return None
    return as_float32(value) if value.dtype == np.uint16 else value
