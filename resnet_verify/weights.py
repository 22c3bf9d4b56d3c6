"""Files of weights: safetensors for every framework, and the format of the network's own.

Nothing in a file is ever executed: safetensors holds numbers only, and the adapters read the
formats of their frameworks without running what such a file may ask for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resnet_verify.adapters.bfloat16 import as_float32
from resnet_verify.confinement import memory_of_machine

if TYPE_CHECKING:
    from resnet_verify.adapters import Adapter, Array

SAFETENSORS = ".safetensors"
SAME_FORMAT = {".pt": ".pth"}
"""Suffixes that name another's format: PyTorch's files go by either."""
DTYPES = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16,
    "I64": np.int64, "I32": np.int32, "I16": np.int16, "I8": np.int8,
    "U64": np.uint64, "U32": np.uint32, "U16": np.uint16, "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip
SHOWN = 3


class WeightsError(Exception):
    """The file cannot be read or written, or does not fit; one sentence that says why."""


def suffixes(adapter: Adapter) -> list[str]:
    """The suffixes of the files of weights that a network of this framework reads and writes."""
    native = adapter.weights_suffix
    aliases = [alias for alias, suffix in SAME_FORMAT.items() if suffix == native]
    return [SAFETENSORS, native, *aliases]


def require_suffix(path: Path, adapter: Adapter) -> None:
    """Refuse a file that is of neither format.

    Raises:
        WeightsError: and which suffixes are possible.
    """
    known = suffixes(adapter)
    if path.suffix not in known:
        possible = f"{', '.join(known[:-1])} or {known[-1]}"
        raise WeightsError(f"{path.name}: weights for {adapter.name} are in {possible} files")


def require_safetensors(path: Path) -> None:
    """Refuse a safetensors file where the package is missing.

    Raises:
        WeightsError: it is.
    """
    if path.suffix == SAFETENSORS and find_spec("safetensors") is None:
        raise WeightsError(f"{path} needs the package safetensors: pip install safetensors")


def read_weights(path: Path, adapter: Adapter) -> dict[str, Array]:
    """The arrays in a file by their names; bfloat16 comes as float32.

    Raises:
        WeightsError: there is no such file, or it is damaged, or holds something else.
    """
    require_suffix(path, adapter)
    require_safetensors(path)
    try:
        _require_room(path)
        return _read_safetensors(path) if path.suffix == SAFETENSORS else adapter.read_weights(path)
    except ValueError as error:
        raise WeightsError(str(error)) from error
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror or error}") from error
    except MemoryError as error:
        raise WeightsError(f"{path}: the memory here is too small for it") from error


def _require_room(path: Path) -> None:
    size, memory = path.stat().st_size, memory_of_machine()
    if memory is not None and size > memory:
        raise WeightsError(
            f"{path} takes {size / 1e9:,.1f} GB, the memory here is {memory / 1e9:,.1f} GB"
        )


def write_weights(path: Path, adapter: Adapter, model: Any) -> None:
    """Save the network's whole state, by its own names, in the format that the suffix names.

    Raises:
        WeightsError: the file cannot be written.
    """
    require_suffix(path, adapter)
    require_safetensors(path)
    try:
        if path.suffix == SAFETENSORS:
            _write_safetensors(path, adapter.state(model))
        else:
            adapter.write_weights(model, path)
    except Exception as error:  # each format has its own for a full disk
        raise WeightsError(f"{path.name} cannot be written: {error}") from error


def _write_safetensors(path: Path, state: Mapping[str, Array]) -> None:
    from safetensors.numpy import save_file

    save_file({name: np.require(array, requirements="C") for name, array in state.items()}, path)


def load_weights(adapter: Adapter, model: Any, arrays: Mapping[str, Array], path: Path) -> None:
    """Load what `path` held into a network, by names, as its framework does.

    Raises:
        WeightsError: a name is missing or unknown, or an array has another shape.
    """
    state = adapter.state(model)
    # Counters, which no computation reads, are missing in the files of older versions.
    needed = {param.name for param in adapter.params(model)} & state.keys()
    if missing := [name for name in state if name in needed and name not in arrays]:
        raise WeightsError(f"{path} lacks {_listed(missing)}, which the network has")
    if unknown := [name for name in arrays if name not in state]:
        raise WeightsError(f"{path} has {_listed(unknown)}, which the network lacks")
    for name, array in arrays.items():
        if array.shape != state[name].shape:
            raise WeightsError(
                f"{path}: {name} has shape {array.shape}, in the network {state[name].shape}"
            )
    adapter.load_state(model, {**state, **arrays})


def _listed(names: Iterable[str]) -> str:
    shown = [repr(name) for name in names]
    rest = len(shown) - SHOWN
    return ", ".join(shown[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _read_safetensors(path: Path) -> dict[str, Array]:
    from safetensors import SafetensorError, deserialize, safe_open

    try:
        with safe_open(path, framework="numpy"):  # compares the header with the file's size
            pass
        entries = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged, or no safetensors file ({error})") from error
    return {name: _array(path, name, entry) for name, entry in entries}


def _array(path: Path, name: str, entry: Mapping[str, Any]) -> Array:
    dtype = entry["dtype"]
    if dtype not in DTYPES:
        raise ValueError(f"{path}: {name} is of type {dtype}, which no network here has")
    array: Array = np.frombuffer(entry["data"], DTYPES[dtype]).reshape(entry["shape"])
    return as_float32(array) if dtype == "BF16" else array.copy()  # what it was can be read only
