"""Files that claim more than they hold, or unpack to far more than they take, are refused."""

import pickle
import tarfile
import zipfile
from gzip import GzipFile

import numpy as np
import pytest

from resnet_ref import data
from resnet_verify import weights
from resnet_verify.adapters import proportion
from resnet_verify.adapters.paddle_weights import read_pdparams
from tests.isolation.fuzzing import STATE, formats, outcome, sound_file

FORMATS_HERE = formats()
MUCH = 10**10


def needs(suffix):
    package = {".pth": "torch", ".onnx": "onnx", ".safetensors": "safetensors"}[suffix]
    reason = f"could not import '{package}'"
    return pytest.mark.skipif(suffix not in FORMATS_HERE, reason=reason)


def refused(read, path):
    """The one sentence with which a reader refuses a file."""
    with pytest.raises(ValueError, match=r"\S") as raised:
        read(path)
    message = str(raised.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def read_torch(path):
    from resnet_verify.adapters.torch_weights import read_pth

    return read_pth(path)


@needs(".pth")
def test_an_archive_that_unpacks_to_far_more(tmp_path):
    path = tmp_path / "w.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(STATE))
        archive.writestr("archive/data/0", bytes(100 << 20))
    assert path.stat().st_size < 1 << 20
    assert "and claims to hold 104.9 MB of weights" in refused(read_torch, path)


@needs(".pth")
def test_tensors_that_show_one_number_again_and_again(tmp_path):
    import torch

    path = tmp_path / "w.pth"
    torch.save({"conv.weight": torch.ones(1).expand(MUCH)}, path)
    assert "and claims to hold 40,000.0 MB of weights" in refused(read_torch, path)


@needs(".pth")
@pytest.mark.parametrize("kind", ["meta", "sparse"])
def test_tensors_without_plain_numbers(kind, tmp_path):
    import torch

    path = tmp_path / "w.pth"
    shown = torch.ones(2, device="meta") if kind == "meta" else torch.ones(2).to_sparse()
    torch.save({"conv.weight": shown}, path)
    assert "conv.weight is a tensor without plain numbers" in refused(read_torch, path)


class Call:
    """Unpickling calls `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


RECONSTRUCT = np.zeros(0).__reduce__()[0]
GREEDY = [
    Call(RECONSTRUCT, np.ndarray, (MUCH,), "f8"),
    Call(np.ndarray, (MUCH,)),
    Call(bytes, MUCH),
]


@pytest.mark.parametrize("greedy", GREEDY)
@pytest.mark.parametrize("protocol", [2, 4])
def test_pickles_that_ask_for_memory(greedy, protocol, tmp_path):
    path = tmp_path / "w.pdparams"
    path.write_bytes(pickle.dumps({"conv.weight": greedy}, protocol))
    refused(read_pdparams, path)
    batch = tmp_path / "data_batch_1"
    batch.write_bytes(pickle.dumps({b"data": greedy, b"labels": [1]}, protocol))
    assert refused(data.cifar10, tmp_path).startswith(f"{batch}: the file ")


def test_pickles_that_ask_for_the_same_bytes_again_and_again(tmp_path):
    path = tmp_path / "w.pdparams"
    text = b"X" + (1 << 20).to_bytes(4, "little") + b"x" * (1 << 20)
    encode = b"c_codecs\nencode\nq\x01"
    again = b"h\x01h\x00X\x06\x00\x00\x00latin1\x86R"
    path.write_bytes(b"\x80\x02" + text + b"q\x00" + encode + b"]" + again * 20 + b".")
    assert "the same bytes are asked for again and again" in refused(read_pdparams, path)


@pytest.mark.parametrize("opcode", [b"\x8e", b"\x8d", b"\x96", b"\x95"])
def test_pickles_that_claim_a_length(opcode, tmp_path):
    path = tmp_path / "w.pdparams"
    path.write_bytes(b"\x80\x05" + opcode + MUCH.to_bytes(8, "little") + b"x.")
    refused(read_pdparams, path)


def read_safetensors(path):
    return weights._read_safetensors(path)


@needs(".safetensors")
@pytest.mark.parametrize("end", [MUCH, 2**63])
def test_a_header_that_claims_more(end, tmp_path):
    header = f'{{"w":{{"dtype":"U8","shape":[{end}],"data_offsets":[0,{end}]}}}}'.encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(100))
    assert "is damaged, or no safetensors file" in refused(read_safetensors, path)
    path.write_bytes(MUCH.to_bytes(8, "little") + header)
    assert "is damaged, or no safetensors file" in refused(read_safetensors, path)


@pytest.mark.parametrize("suffix", FORMATS_HERE)
def test_a_file_beyond_the_memory(suffix, tmp_path, monkeypatch):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(sound_file(suffix, tmp_path))
    monkeypatch.setattr(weights, "memory_of_machine", lambda: 100)
    assert outcome(path) == ("whole" if suffix == ".onnx" else "refused")


@needs(".onnx")
def test_weights_that_lie_in_one_place_again_and_again(tmp_path):
    import onnx

    from resnet_verify.adapters import onnx_network

    model = onnx.load_model_from_string(sound_file(".onnx", tmp_path))
    (tmp_path / "weights").write_bytes(bytes(1 << 20))
    for number in range(100):
        tensor = model.graph.initializer.add(name=f"{number}", data_type=1, dims=[1 << 18])
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="weights")
    path = tmp_path / "w.onnx"
    path.write_bytes(model.SerializeToString())
    assert "and claims to hold 104.9 MB of weights" in refused(onnx_network.load, path)


@pytest.mark.parametrize("suffix", FORMATS_HERE)
def test_what_is_in_proportion_is_read(suffix, tmp_path, monkeypatch):
    monkeypatch.setattr(proportion, "ALWAYS", 1)
    path = tmp_path / f"w{suffix}"
    path.write_bytes(sound_file(suffix, tmp_path))
    assert outcome(path) == "whole"


def _archive(path, *members):
    """A .tar.gz whose members claim a size each, and hold nothing."""
    with GzipFile(path, "w") as stream:
        for name, kind, size in members:
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, size
            stream.write(member.tobuf(tarfile.GNU_FORMAT))
        stream.write(bytes(1024))
    return path


@pytest.mark.parametrize(
    "kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE]
)
def test_an_archive_of_images_that_claims_more(kind, tmp_path):
    path = _archive(tmp_path / "c.tar.gz", ("anything", kind, MUCH), ("x", tarfile.REGTYPE, 0))
    assert "more than 512 MiB unpacked; refused" in refused(data.cifar10, path)
