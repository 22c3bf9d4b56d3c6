"""What TensorBoard is given, read back from its files."""

import struct
import sys

import pytest

from resnet_ref.board import Board

LINE = {"rate": 0.1, "train_loss": 2.0, "train_accuracy": 0.25,
        "test_loss": 2.5, "test_accuracy": 0.125, "images_per_second": 64.0}  # fmt: skip


def scalars(folder):
    """(tag, step, value) of each scalar, and the steps at which a session began."""
    from tensorboardX.proto.event_pb2 import Event

    found, starts = [], []
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        while content:  # a record: length, its checksum, the event, its checksum
            (length,) = struct.unpack("<Q", content[:8])
            event = Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]
            if event.HasField("session_log"):
                starts.append(event.step)
            found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
    return found, starts


def test_each_epoch_is_a_point_and_what_comes_after_a_resumption_counts(tmp_path):
    pytest.importorskip("tensorboardX")
    with Board(tmp_path / "begun") as board:
        for epoch in (0, 1):
            board.add({"epoch": epoch, **LINE})
    with Board(tmp_path / "resumed") as board:
        board.add({"epoch": 1, **LINE})
    found, starts = scalars(tmp_path / "begun")
    assert sorted(point for point in found if point[1] == 1) == [
        ("accuracy/test", 1, 0.125),
        ("accuracy/train", 1, 0.25),
        ("images_per_second", 1, 64.0),
        ("learning_rate", 1, pytest.approx(0.1)),
        ("loss/test", 1, 2.5),
        ("loss/train", 1, 2.0),
    ]
    assert len(found) == 12
    assert starts == [1]
    assert scalars(tmp_path / "resumed")[1] == [2]


def test_a_run_without_an_epoch_writes_nothing(tmp_path):
    pytest.importorskip("tensorboardX")
    with Board(tmp_path / "none"):
        pass
    assert not (tmp_path / "none").exists()


def test_without_the_library_one_line_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ValueError, match=r"needs tensorboardX .*; pip install"):
        Board(tmp_path)
