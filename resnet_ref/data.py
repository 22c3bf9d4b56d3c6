"""Images to train on, read from the archives in which they are distributed.

CIFAR-10's archive holds pickles, Fashion-MNIST's files are IDX. Both are read without executing
anything in them, and whatever is missing, cut off or damaged is a `DataError` that names it.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from resnet_ref.pickled_arrays import ArrayUnpickler, RefusedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

CIFAR10_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
CIFAR10_TEST = ("test_batch",)
CIFAR10_CLASSES = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())
FASHION_CLASSES = tuple(
    "t-shirt trouser pullover dress coat sandal shirt sneaker bag ankle-boot".split()
)
LARGEST = 64 << 20
"""Bytes that a file of these datasets may have unpacked; one with more may be a trap."""
LARGEST_ARCHIVE = 8 * LARGEST
"""The same for an archive of several files; CIFAR-10 has 178 MiB."""


class DataError(ValueError):
    """Images cannot be read; the message names the file, what is wrong and what to do."""


@dataclass(frozen=True)
class Images:
    """Images (N, C, H, W) of type uint8 with their labels (N,) of type int64."""

    pixels: Array
    labels: Array

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int | None) -> Images:
        """The first `count` of them, all for None."""
        return Images(self.pixels[:count], self.labels[:count])


@dataclass(frozen=True)
class Split:
    """What is trained on, what is tested with, and the names of the classes."""

    train: Images
    test: Images
    classes: tuple[str, ...]


def read(dataset: str, path: Path | None) -> Split:
    """The images of `dataset`, from `path` where they do not come with a package.

    Raises:
        DataError: they cannot be read.
    """
    if dataset == "digits":
        return digits()
    if path is None:
        raise DataError(f"{dataset} needs --data FILE, its archive, or --download")
    return {"cifar10": cifar10, "fashion-mnist": fashion_mnist}[dataset](path)


def cifar10(path: Path) -> Split:
    """CIFAR-10 from its Python archive (.tar.gz), or from the folder that is in it.

    Source: https://www.cs.toronto.edu/~kriz/cifar.html

    Raises:
        DataError: it cannot be read.
    """
    batches = _reading(path, _cifar10_batches)
    return Split(
        _joined(path, batches, CIFAR10_TRAIN), _joined(path, batches, CIFAR10_TEST), CIFAR10_CLASSES
    )


def fashion_mnist(path: Path) -> Split:
    """Fashion-MNIST from the folder with its four files ``*-ubyte.gz``.

    Source: https://github.com/zalandoresearch/fashion-mnist

    Raises:
        DataError: it cannot be read.
    """
    if not path.is_dir():
        raise DataError(f"{path}: Fashion-MNIST needs the folder with its four files *-ubyte.gz")
    parts = []
    for stem in ("train", "t10k"):
        pixels = _reading(path / f"{stem}-images-idx3-ubyte.gz", _idx)
        labels = _reading(path / f"{stem}-labels-idx1-ubyte.gz", _idx)
        if pixels.ndim != 3 or labels.shape != pixels.shape[:1]:
            raise DataError(
                f"{path}: {stem} has images {pixels.shape} and labels {labels.shape}; "
                "expected one label for each image"
            )
        parts.append(_images(path, pixels[:, None], labels))
    train, test = parts
    return Split(train, test, FASHION_CLASSES)


def digits() -> Split:
    """1797 handwritten digits, 8x8 pixels, from scikit-learn; the last 360 are for testing.

    The writers of the last ones are others, so that is a fair test.

    Raises:
        DataError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise DataError(
            "the digits come with scikit-learn; pip install 'resnet-verify[train]'"
        ) from None
    found = load_digits()
    pixels = np.rint(found.images * (255 / 16)).astype(np.uint8)[:, None]
    images = _images(Path("digits"), pixels, found.target)
    held_out = 360
    return Split(
        images.first(len(images) - held_out),
        Images(images.pixels[-held_out:], images.labels[-held_out:]),
        tuple(map(str, range(10))),
    )


def _reading(path: Path, read_file: Callable[[Path], Any]) -> Any:
    try:
        return read_file(path)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except (EOFError, tarfile.TarError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}: the file is cut off or damaged ({error}); fetch it again"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: it cannot be read: {error.strerror or error}") from error


def _cifar10_batches(path: Path) -> dict[str, bytes]:
    wanted = CIFAR10_TRAIN + CIFAR10_TEST
    if path.is_dir():
        return {name: (path / name).read_bytes() for name in wanted if (path / name).is_file()}
    found = {}
    with gzip.open(path) as packed, tarfile.open(fileobj=_Unpacked(path, packed)) as archive:
        for member in archive:
            name = Path(member.name).name
            content = archive.extractfile(member) if name in wanted else None
            if content is not None:
                found[name] = _bounded(path / name, content)
    return found


class _Unpacked(io.RawIOBase):
    """What an archive unpacks to, read forwards; more than a dataset has is refused unread."""

    def __init__(self, path: Path, packed: gzip.GzipFile) -> None:
        self._path = path
        self._packed = packed

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes."""
        self._require(self._packed.tell() + size if size >= 0 else LARGEST_ARCHIVE + 1)
        return self._packed.read(size)

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, which is counted from the beginning."""
        self._require(position if whence == io.SEEK_SET else LARGEST_ARCHIVE + 1)
        return self._packed.seek(position)

    def tell(self) -> int:
        """The position."""
        return self._packed.tell()

    def _require(self, position: int) -> None:
        if position > LARGEST_ARCHIVE:
            mebibytes = LARGEST_ARCHIVE >> 20
            raise DataError(f"{self._path}: more than {mebibytes} MiB unpacked; refused")


def _bounded(path: Path, packed: IO[bytes] | gzip.GzipFile) -> bytes:
    content = packed.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise DataError(f"{path}: more than {LARGEST >> 20} MiB unpacked; refused")
    return content


def _joined(path: Path, batches: Mapping[str, bytes], names: tuple[str, ...]) -> Images:
    """The images of the files `names`, in their order. A subset of CIFAR-10 may lack some."""
    present = [name for name in names if name in batches]
    if not present:
        raise DataError(f"{path}: {' or '.join(names)} is missing; is this CIFAR-10 for Python?")
    parts = [_cifar10_batch(path / name, batches[name]) for name in present]
    return Images(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def _cifar10_batch(path: Path, content: bytes) -> Images:
    try:
        found = ArrayUnpickler(io.BytesIO(content), len(content), "bytes").load()
        is_batch = isinstance(found, dict) and {b"data", b"labels"} <= found.keys()
        pixels, labels = (
            np.asarray(found[name] if is_batch else ()) for name in (b"data", b"labels")
        )
    except RefusedError as error:
        raise DataError(
            f"{path}: the file asks for {error}, which no image needs; refused"
        ) from None
    except Exception as error:  # a damaged pickle may raise anything
        raise DataError(f"{path}: the file is damaged ({error}); fetch it again") from error
    if not is_batch:
        raise DataError(f"{path}: expected a dictionary with data and labels")
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != 3072:
        raise DataError(
            f"{path}: expected rows of 3072 bytes, found {pixels.dtype} of shape {pixels.shape}"
        )
    if labels.shape != pixels.shape[:1] or labels.dtype.kind not in "iu":
        raise DataError(
            f"{path}: {len(pixels)} images, but labels of type {labels.dtype} and shape "
            f"{labels.shape}"
        )
    return _images(path, pixels.reshape(-1, 3, 32, 32), labels)


def _idx(path: Path) -> Array:
    """An array of bytes in the IDX format (http://yann.lecun.com/exdb/mnist)."""
    with gzip.open(path) as file:
        content = _bounded(path, file)
    zeros, kind, dimensions = struct.unpack(">HBB", content[:4].ljust(4, b"\xff"))
    start = 4 + 4 * dimensions
    if zeros or kind != 8 or not 1 <= dimensions <= 3 or len(content) < start:
        raise DataError(f"{path}: this is no IDX file of bytes")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    expected = prod(shape)
    if len(content) - start != expected:
        raise DataError(
            f"{path}: {len(content) - start} bytes where {shape} needs {expected}; fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _images(path: Path, pixels: Array, labels: Array) -> Images:
    labels = labels.astype(np.int64)
    if not len(labels) or labels.min() < 0 or labels.max() > 9:
        raise DataError(f"{path}: labels have to be 0 to 9, and at least one")
    return Images(np.ascontiguousarray(pixels), labels)
