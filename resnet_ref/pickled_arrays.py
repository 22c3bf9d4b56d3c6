"""Pickles that hold arrays, read without running or reserving what they ask for.

A pickle may call whatever it names, and that may run code or fill the memory. Here it may call
what arrays are made of, and arrays get no more memory than the numbers in the file take.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

_SCALAR = np.float32(0).__reduce__()[0]


class RefusedError(Exception):
    """The file names something that arrays do not need; the message says what."""


class ArrayUnpickler(pickle.Unpickler):
    """Makes arrays, numbers, texts, and tuples, lists and dicts of them.

    Args:
        stream: is read from where it is, to the end of the first pickle.
        size: the bytes that there are.
        encoding: of the texts that Python 2 wrote, or "bytes".
    """

    def __init__(self, stream: IO[bytes], size: int, encoding: str) -> None:
        super().__init__(stream, encoding=encoding)
        self._left = size
        # No name is looked up: what a file may call is what stands here.
        self._admitted: Mapping[tuple[str, str], Any] = {
            ("numpy", "ndarray"): "ndarray",  # named to `_empty` only
            ("numpy", "dtype"): np.dtype,
            ("numpy.core.multiarray", "_reconstruct"): _empty,
            ("numpy.core.multiarray", "scalar"): _SCALAR,
            ("numpy._core.multiarray", "_reconstruct"): _empty,  # NumPy 2
            ("numpy._core.multiarray", "scalar"): _SCALAR,
            ("_codecs", "encode"): self._encode,
            ("builtins", "tuple"): tuple,
            ("__builtin__", "tuple"): tuple,
            ("__builtin__", "bytes"): _no_bytes,
            ("collections", "OrderedDict"): OrderedDict,
        }

    def find_class(self, module: str, name: str) -> Any:
        """What the file names, if it is something that arrays need.

        Raises:
            RefusedError: it is not.
        """
        try:
            return self._admitted[module, name]
        except KeyError:
            raise RefusedError(f"{module}.{name}") from None

    def _encode(self, text: str, encoding: str | bytes) -> bytes:
        """How protocol 2 writes bytes; no other codec is looked up."""
        if encoding not in ("latin1", b"latin1"):
            raise RefusedError(f"the codec {encoding!r}")
        self._left -= len(text)
        if self._left < 0:
            raise ValueError("the same bytes are asked for again and again")
        return text.encode("latin1")


def _empty(_kind: object, shape: tuple[int, ...], _typecode: object) -> Any:
    """How arrays begin: their shape, type and numbers come afterwards, together."""
    if shape != (0,):
        raise ValueError(f"an array of shape {shape} is asked for, without its numbers")
    return np.empty(0, np.int8)


def _no_bytes() -> bytes:
    """How protocol 2 writes what is empty."""
    return b""
