"""Files of weights in the one format that is every framework's."""

import json
import struct
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("safetensors")

from resnet_verify.weights import (
    WeightsError,
    load_weights,
    read_weights,
    require_suffix,
    write_weights,
)

TORCH = SimpleNamespace(name="torch", weights_suffix=".pth")
STATE = {
    "a": np.arange(6, dtype=np.float64).reshape(2, 3).T,
    "steps": np.array(7, np.int64),
    "mask": np.array([True, False]),
}


def written(path, dtype, shape, data):
    """A file with one tensor, w, as https://huggingface.co/docs/safetensors has the format."""
    header = {"w": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "w.safetensors"
    write_weights(path, SimpleNamespace(**vars(TORCH), state=lambda model: model), STATE)
    found = read_weights(path, TORCH)
    assert found.keys() == STATE.keys()
    for name, array in STATE.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert np.array_equal(found[name], array)
        assert found[name].flags.writeable


def test_bfloat16_comes_as_float32(tmp_path):
    bits = np.array([0x3F80, 0xC000, 0x3F81], np.uint16)
    path = written(tmp_path / "w.safetensors", "BF16", [3], bits.tobytes())
    assert read_weights(path, TORCH)["w"].tolist() == [1.0, -2.0, 1.0078125]


def test_a_type_that_no_network_has_is_refused(tmp_path):
    path = written(tmp_path / "w.safetensors", "F8_E4M3", [2], b"ab")
    with pytest.raises(WeightsError, match=r"w is of type F8_E4M3, which no network here has"):
        read_weights(path, TORCH)


def test_the_suffixes_of_a_framework():
    for name in ("w.safetensors", "w.pth", "w.pt"):
        require_suffix(SimpleNamespace(name=name, suffix=f".{name.partition('.')[2]}"), TORCH)
    with pytest.raises(WeightsError) as raised:
        require_suffix(SimpleNamespace(name="w.ckpt", suffix=".ckpt"), TORCH)
    message = "w.ckpt: weights for torch are in .safetensors, .pth or .pt files"
    assert str(raised.value) == message


def test_a_counter_may_be_missing_and_keeps_its_value():
    """Files of older versions do not have it, and no computation reads it."""
    loaded = {}
    adapter = SimpleNamespace(
        state=lambda model: STATE,
        params=lambda model: [SimpleNamespace(name="a")],
        load_state=lambda model, state: loaded.update(state),
    )
    load_weights(adapter, None, {"a": np.ones((3, 2))}, "w.pth")
    assert loaded["a"].sum() == 6
    assert loaded["steps"] == 7
    with pytest.raises(WeightsError, match=r"w\.pth lacks 'a', which the network has"):
        load_weights(adapter, None, {"steps": np.ones(())}, "w.pth")
