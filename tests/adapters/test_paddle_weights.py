"""`.pdparams` files are pickles: read without running anything that they name."""

import collections
import os
import pickle

import numpy as np
import pytest

from resnet_verify.adapters.paddle_weights import read_pdparams

ARRAYS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones((), np.int64)}
NAME_TABLE = {"StructuredToParameterName@@": {"a.weight": "conv2d_0.w_0", "b": "b_0"}}


class Calls:
    """Unpickling calls `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def written(path, found, protocol=4):
    path.write_bytes(pickle.dumps(found, protocol))
    return path


def as_numpy_1(data):
    """The same pickle as NumPy 1 writes it."""
    return data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize(
    "found",
    [
        ARRAYS,
        ARRAYS | NAME_TABLE,
        collections.OrderedDict(ARRAYS),
        {name: (f"linear_{name}", array) for name, array in ARRAYS.items()},
        {"epoch": np.float32(3), "lr": [0.1, (1, 2)], "model": ARRAYS, "optimizer": {"m": 0}},
    ],
    ids=["arrays", "table", "ordered", "pairs", "checkpoint"],
)
def test_arrays_are_read_by_name(tmp_path, found, protocol):
    arrays = read_pdparams(written(tmp_path / "w.pdparams", found, protocol))
    assert arrays.keys() == ARRAYS.keys()
    for name, array in arrays.items():
        assert array.dtype == ARRAYS[name].dtype
        assert np.array_equal(array, ARRAYS[name])


@pytest.mark.parametrize("protocol", [2, 3])
def test_files_of_either_numpy_are_read(tmp_path, protocol):
    path = tmp_path / "w.pdparams"
    path.write_bytes(as_numpy_1(pickle.dumps(ARRAYS, protocol)))
    assert np.array_equal(read_pdparams(path)["a.weight"], ARRAYS["a.weight"])


def test_bfloat16_comes_as_float32(tmp_path):
    bits = np.array([0x3F80, 0xC000, 0x3F81], np.uint16)
    found = read_pdparams(written(tmp_path / "w.pdparams", {"w": bits}))["w"]
    assert found.dtype == np.float32
    assert found.tolist() == [1.0, -2.0, 1.0078125]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (Calls(os.system, "touch pwned"), "system"),
        (Calls(eval, "open('pwned', 'w')"), "eval"),
        (Calls(exec, "open('pwned', 'w')"), "exec"),
        (Calls(getattr, "text", "upper"), "getattr"),
        (Calls(np.load, "pwned.npy"), "load"),
        (Calls(collections.namedtuple, "T", "x"), "namedtuple"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_whatever_else_a_file_names_is_refused(tmp_path, monkeypatch, call, named, protocol):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path / "w.pdparams", ARRAYS | {"evil": call}, protocol)
    with pytest.raises(ValueError, match=rf"is refused: it is to run \w+\.{named}$"):
        read_pdparams(path)
    assert not (tmp_path / "pwned").exists()


def test_an_admitted_name_is_not_looked_up(tmp_path, monkeypatch):
    """Where something else has taken the place of `collections.OrderedDict`, say."""
    monkeypatch.setattr(collections, "OrderedDict", os.system)
    path = tmp_path / "w.pdparams"
    path.write_bytes(b"ccollections\nOrderedDict\n(tR.")
    with pytest.raises(ValueError, match="holds no arrays by name"):
        read_pdparams(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged, or no .pdparams file (EOFError: Ran out of input)"),
        (b"<html>not found</html>", "is damaged, or no .pdparams file (UnpicklingError: "),
        (pickle.dumps(ARRAYS)[:-20], "is damaged, or no .pdparams file ("),
        (pickle.dumps([1, 2]), "holds no arrays by name"),
        (pickle.dumps({}), "holds no arrays by name"),
        (pickle.dumps({"a": "text"}), "holds no arrays by name"),
        (pickle.dumps({"a": np.array([{}])}), "holds no arrays by name"),
        (b"c_codecs\nencode\n(Vx\nVrot13\ntR.", "is refused: it is to run the codec 'rot13'"),
    ],
)
def test_a_file_that_is_none_says_so(tmp_path, content, message):
    path = tmp_path / "w.pdparams"
    path.write_bytes(content)
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared below
        read_pdparams(path)
    assert str(raised.value).startswith(f"{path} {message}")


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_pdparams(tmp_path / "w.pdparams")
