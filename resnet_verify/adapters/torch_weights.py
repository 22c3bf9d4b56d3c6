"""PyTorch's files of weights, read so that nothing in them is run and memory is not filled."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, is_zipfile

import torch

from resnet_verify.adapters.proportion import require_proportion
from resnet_verify.adapters.torch_capture import array_of, is_tensor

if TYPE_CHECKING:
    from resnet_verify.adapters import Array


def read_pth(path: Path) -> dict[str, Array]:
    """The tensors of a ``.pth`` file, unpickled with `weights_only`: nothing is executed.

    A checkpoint may hold them one level down, beside the optimiser's.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else than named tensors, or claims many more numbers
            than it holds.
    """
    with path.open("rb"):  # what cannot be read is told as such
        pass
    found = _loaded(path)
    for named in [found, *found.values()] if isinstance(found, Mapping) else []:
        if isinstance(named, Mapping) and named and all(map(is_tensor, named.values())):
            # A tensor may show one number any number of times.
            claimed = sum(tensor.numel() * tensor.element_size() for tensor in named.values())
            require_proportion(path, claimed, path.stat().st_size)
            return {str(name): _array(path, name, tensor) for name, tensor in named.items()}
    raise ValueError(f"{path} holds no tensors by name")


def _loaded(path: Path) -> Any:
    refused = f"{path} holds no weights that can be loaded safely"
    try:
        unpacked = _unpacked_size(path)
    except Exception as error:  # whatever a damaged directory makes of the archive
        raise ValueError(refused) from error
    require_proportion(path, unpacked, path.stat().st_size)
    try:
        with warnings.catch_warnings():  # before 2.3 it warns of what it uses itself
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file makes of the unpickler
        raise ValueError(refused) from error


def _unpacked_size(path: Path) -> int:
    """Bytes that the members of the archive take; 0 for a file of PyTorch before 1.6."""
    if not is_zipfile(path):
        return 0
    with ZipFile(path) as archive:
        return sum(member.file_size for member in archive.infolist())


def _array(path: Path, name: object, tensor: torch.Tensor) -> Array:
    if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        raise ValueError(f"{path}: {name} is a tensor without plain numbers")
    return array_of(tensor)
