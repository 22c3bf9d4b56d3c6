"""Archives are read as they are distributed; whatever is wrong with one is one clear message."""

import gzip
import io
import os
import pickle
import random
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from resnet_ref import data
from resnet_ref.batches import Batches, crop_and_flip
from resnet_ref.downloads import download
from tests.isolation.fuzzing import damaged


def batch(count, seed=0, changes=()):
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (count, 3072), dtype=np.uint8)
    labels = [int(label) for label in generator.integers(0, 10, count)]
    return {b"data": pixels, b"labels": labels, **dict(changes)}


def archive(path, batches):
    with tarfile.open(path, "w:gz") as file:
        for name, content in batches.items():
            if not isinstance(content, bytes):
                content = pickle.dumps(content, protocol=2)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


def test_cifar10_from_its_archive_and_its_folder(tmp_path):
    batches = {"data_batch_1": batch(5), "data_batch_2": batch(4, 1), "test_batch": batch(3, 2)}
    path = archive(tmp_path / "cifar.tar.gz", batches)
    found = data.cifar10(path)
    assert found.train.pixels.shape == (9, 3, 32, 32)
    assert found.test.labels.tolist() == batches["test_batch"][b"labels"]
    assert np.array_equal(found.train.pixels[5].reshape(-1), batches["data_batch_2"][b"data"][0])
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name, content in batches.items():
        (folder / name).write_bytes(pickle.dumps(content))
    assert np.array_equal(data.cifar10(folder).train.pixels, found.train.pixels)


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harmed",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (Harmful(), r"asks for posix.mkdir, which no image needs; refused"),
        (b"\x80\x02}q", "damaged"),
        ({"data": 1}, "expected a dictionary with data and labels"),
        (batch(3, changes={b"labels": [1, 2]}), "3 images, but labels of type int64"),
        (batch(3, changes={b"labels": [1, 2, 11]}), "labels have to be 0 to 9"),
        (batch(3, changes={b"data": np.zeros((3, 5), np.uint8)}), "expected rows of 3072 bytes"),
    ],
)
def test_a_bad_batch_is_told_and_not_executed(tmp_path, monkeypatch, content, words):
    monkeypatch.chdir(tmp_path)
    path = archive(tmp_path / "c.tar.gz", {"data_batch_1": content, "test_batch": batch(2)})
    with pytest.raises(data.DataError, match=words) as error:
        data.cifar10(path)
    assert "data_batch_1" in str(error.value)
    assert not Path("harmed").exists()


def test_a_missing_a_cut_and_another_archive(tmp_path):
    with pytest.raises(data.DataError, match=r"none.tar.gz: there is no such file"):
        data.cifar10(tmp_path / "none.tar.gz")
    path = archive(tmp_path / "c.tar.gz", {"data_batch_1": batch(9), "test_batch": batch(9)})
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(data.DataError, match="cut off or damaged"):
        data.cifar10(path)
    path.write_bytes(b"no archive")
    with pytest.raises(data.DataError, match="cut off or damaged"):
        data.cifar10(path)
    with pytest.raises(data.DataError, match=r"test_batch is missing"):
        data.cifar10(archive(path, {"data_batch_1": batch(2)}))


def idx(array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes())


def fashion(folder, train=6, test=4):
    for stem, count in (("train", train), ("t10k", test)):
        pixels = np.arange(count * 784).reshape(count, 28, 28) % 256
        (folder / f"{stem}-images-idx3-ubyte.gz").write_bytes(idx(pixels))
        (folder / f"{stem}-labels-idx1-ubyte.gz").write_bytes(idx(np.arange(count) % 10))
    return folder


def test_fashion_mnist(tmp_path):
    found = data.fashion_mnist(fashion(tmp_path))
    assert found.train.pixels.shape == (6, 1, 28, 28)
    assert found.train.pixels[0, 0, 0, :3].tolist() == [0, 1, 2]
    assert found.test.labels.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file"),
        (b"not gzip", "damaged"),
        (idx(np.zeros((6, 28, 28)))[:-9], "cut off"),
        (gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 6, 28, 28) + b"12"), "2 bytes where"),
        (gzip.compress(b"\0\0\x0d\x03abcd"), "no IDX file"),
        (gzip.compress(b""), "no IDX file"),
        (idx(np.zeros((5, 28, 28))), "one label for each image"),
    ],
    # Workers have to agree on names, and packed content holds the time of day.
    ids=["missing", "not packed", "cut off", "too short", "other type", "empty", "too few labels"],
)
def test_a_bad_idx_file(tmp_path, content, words):
    path = fashion(tmp_path) / "train-images-idx3-ubyte.gz"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(data.DataError, match=words):
        data.fashion_mnist(tmp_path)


def test_a_dataset_without_a_file_says_what_to_give():
    with pytest.raises(data.DataError, match="--data FILE"):
        data.read("cifar10", None)


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own():
    images = data.Images(np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1), np.arange(10) % 10)
    batches = Batches(images, 4, "none", seed=3)
    epochs = [[part.tolist() for _, part in batches.epoch(epoch)] for epoch in (0, 1, 0)]
    assert [len(part) for part in epochs[0]] == [4, 4, 2]
    assert sorted(label for part in epochs[0] for label in part) == list(range(10))
    assert epochs[0] == epochs[2] != epochs[1]
    assert batches.count == 3


def test_processes_share_each_batch():
    images = data.Images(np.zeros((11, 1, 1, 1), np.uint8), np.arange(11) % 10)
    whole = [labels for _, labels in Batches(images, 4, "none", 0).epoch(0)]
    parts = [[y for _, y in Batches(images, 4, "none", 0, rank, 2).epoch(0)] for rank in (0, 1)]
    for one, first, second in zip(whole, *parts, strict=True):
        assert len(first) == len(second)
        assert {*first, *second} <= {*one}


def test_a_crop_is_a_shifted_image_half_of_them_flipped():
    pixels = np.random.default_rng(0).integers(1, 256, (400, 3, 8, 8), dtype=np.uint8)
    found = crop_and_flip(pixels, np.random.default_rng(1))
    assert found.shape == pixels.shape
    assert found.dtype == np.uint8
    padded = np.pad(pixels, ((0, 0), (0, 0), (4, 4), (4, 4)))
    flipped = 0
    for image, around in zip(found, padded, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(around, (8, 8), (1, 2))
        same = [(windows == one[:, None, None]).all((0, 3, 4)).any() for one in
                (image, image[..., ::-1])]  # fmt: skip
        assert any(same)
        flipped += same[1] and not same[0]
    assert 120 < flipped < 280


def test_what_fills_the_memory_is_refused(tmp_path):
    bomb = fashion(tmp_path) / "train-images-idx3-ubyte.gz"
    bomb.write_bytes(gzip.compress(bytes(data.LARGEST + 1), 1))
    with pytest.raises(data.DataError, match="more than 64 MiB unpacked; refused"):
        data.fashion_mnist(tmp_path)
    batches = {"data_batch_1": bytes(data.LARGEST + 1), "test_batch": batch(2)}
    with pytest.raises(data.DataError, match="data_batch_1: more than 64 MiB"):
        data.cifar10(archive(tmp_path / "c.tar.gz", batches))


def read_or_refused(read, path):
    """Whether it is refused; where it is read, it is read whole."""
    try:
        found = read(path)
    except data.DataError:
        return True
    for images in (found.train, found.test):
        assert images.pixels.dtype == np.uint8
        assert images.pixels.shape[0] == len(images.labels)
        assert set(images.labels.tolist()) <= set(range(10))
    return False


def test_damaged_files_are_refused_or_read_whole(tmp_path):
    rng = random.Random(0)
    sound = {name: pickle.dumps(batch(4), protocol=2) for name in ("data_batch_1", "test_batch")}
    packed = archive(tmp_path / "c.tar.gz", sound).read_bytes()
    fashion(tmp_path)
    labels = tmp_path / "train-labels-idx1-ubyte.gz"
    unpacked = gzip.decompress(labels.read_bytes())
    refused = 0
    for _ in range(100):
        path = tmp_path / "d.tar.gz"
        path.write_bytes(damaged(packed, rng)[0])
        refused += read_or_refused(data.cifar10, path)
        broken = {**sound, "data_batch_1": damaged(sound["data_batch_1"][-600:], rng)[0]}
        broken["data_batch_1"] = sound["data_batch_1"][:-600] + broken["data_batch_1"]
        refused += read_or_refused(data.cifar10, archive(path, broken))
        labels.write_bytes(gzip.compress(damaged(unpacked, rng)[0]))
        refused += read_or_refused(data.fashion_mnist, tmp_path)
    assert 150 < refused < 300


def same(dataset, images):
    """Whether a framework's own dataset has these images and labels, in this order."""
    for (pixels, label), own, wanted in zip(dataset, images.pixels, images.labels, strict=True):
        assert np.array_equal(np.asarray(pixels).reshape(own.shape), own)
        assert int(np.asarray(label).reshape(())) == wanted


def test_paddles_own_classes_read_the_same(tmp_path):
    pytest.importorskip("paddle")
    from paddle.vision.datasets import Cifar10, FashionMNIST

    batches = {"data_batch_1": batch(5), "data_batch_2": batch(4, 1), "test_batch": batch(3, 2)}
    path = archive(tmp_path / "cifar.tar.gz", batches)
    for mode, images in (("train", data.cifar10(path).train), ("test", data.cifar10(path).test)):
        raw = Cifar10(str(path), mode, backend="cv2")
        same([(np.asarray(pixels).transpose(2, 0, 1), label) for pixels, label in raw], images)
    found = data.fashion_mnist(fashion(tmp_path, test=100)).test  # it reads hundreds
    names = (str(tmp_path / f"t10k-{part}-ubyte.gz") for part in ("images-idx3", "labels-idx1"))
    same(FashionMNIST(*names, mode="test", backend="cv2"), found)


def test_mindspores_own_class_reads_the_same(tmp_path):
    pytest.importorskip("mindspore")
    from mindspore.dataset import FashionMnistDataset

    found = data.fashion_mnist(fashion(tmp_path))
    unpacked = tmp_path / "unpacked"  # as it wants them
    unpacked.mkdir()
    for packed in tmp_path.glob("*.gz"):
        (unpacked / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    for usage, images in (("train", found.train), ("test", found.test)):
        dataset = FashionMnistDataset(str(unpacked), usage, shuffle=False)
        rows = dataset.create_tuple_iterator(num_epochs=1, output_numpy=True)
        same(((pixels.transpose(2, 0, 1), label) for pixels, label in rows), images)


def test_a_framework_that_fetches_nothing_says_what_to_do():
    with pytest.raises(data.DataError, match=r"mindspore.*fetch nothing; give --data FILE"):
        download("cifar10", "mindspore")
