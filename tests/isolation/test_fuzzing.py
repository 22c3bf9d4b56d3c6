"""Files from elsewhere: what is damaged is refused, what has a payload does not run."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from resnet_verify.process import run_apart
from tests.isolation.fuzzing import FORMATS, STATE, formats, fuzz, outcome, sound_file

FORMATS_HERE = formats()


class Payload:
    """Unpickling leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("suffix", FORMATS_HERE)
def test_a_sound_file_is_read_whole(suffix, tmp_path):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(sound_file(suffix, tmp_path))
    assert outcome(path) == "whole"


@pytest.mark.parametrize("suffix", FORMATS_HERE)
def test_damaged_files_are_refused_or_read_whole(suffix, tmp_path):
    heard = []
    run_apart(fuzz, suffix, range(60), 1, str(tmp_path), heed=lambda *words: heard.append(words))
    read = [how for _, _, how in heard if how != "reading"]
    assert len(read) == 60
    assert set(read) <= {"refused", "whole"}
    assert read.count("refused") > 30


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_payload_does_not_run(protocol, tmp_path):
    for suffix in {".pdparams", ".pth"}.intersection(FORMATS_HERE):
        path, trace = tmp_path / f"file{suffix}", tmp_path / "executed"
        path.write_bytes(pickle.dumps({**STATE, "conv.bias": Payload(trace)}, protocol))
        assert outcome(path) == "refused"
        assert not trace.exists()


@pytest.mark.parametrize("suffix", FORMATS_HERE)
@pytest.mark.parametrize("other", [*FORMATS, ".zip", ".txt", ""])
def test_another_kind_of_file_under_this_name(suffix, other, tmp_path):
    path = tmp_path / f"file{suffix}"
    if other == suffix or (other in FORMATS and other not in FORMATS_HERE):
        content = b"\0" * 1000
    elif other in FORMATS:
        content = sound_file(other, tmp_path)
    else:
        content = {".zip": _archive(), ".txt": b"weights", "": b""}[other]
    path.write_bytes(content)
    assert outcome(path) == "refused"
    assert {found.suffix for found in tmp_path.iterdir()} <= {suffix, other}
    assert not (tmp_path.parent / "escaped").exists()


def _archive():
    """One with a name that leads out of the folder it is read in."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../escaped", b"x")
        archive.writestr("archive/data.pkl", pickle.dumps(STATE))
        archive.writestr("archive/version", b"3")
    return stream.getvalue()


@pytest.mark.skipif(".onnx" not in FORMATS_HERE, reason="could not import 'onnx'")
@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "missing", ""])
def test_weights_of_an_onnx_file_lie_in_its_folder(location, tmp_path):
    import onnx

    (tmp_path / "secret").write_bytes(bytes(np.zeros(1000)))
    folder = tmp_path / "folder"
    folder.mkdir()
    model = onnx.load_model_from_string(sound_file(".onnx", tmp_path))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    path = folder / "file.onnx"
    path.write_bytes(model.SerializeToString())
    assert outcome(path) == "refused"
