"""Whatever either network of a transplant does, there is one message, and FILE is as it was."""

from pathlib import Path

import pytest

from resnet_verify import carried, confining
from resnet_verify.carry import Cargo
from resnet_verify.carry_json import cargo_to_wire
from resnet_verify.cli import run
from resnet_verify.recognised import Description
from resnet_verify.verdict import Identity
from tests.catalogue.sample import sampled
from tests.isolation.table import LATE, LOADED, STAND_INS

pytestmark = pytest.mark.usefixtures("untouched")

ROOT = Path(__file__).parents[2]
NETS = "tests.isolation.misdeeds"
NO_MODEL = "not a network of a supported framework"
HOSTILE = {
    name: NO_MODEL if name.startswith("gives_a_") else words
    for name, (code, words) in STAND_INS.items()
    if code == LOADED
}


def sound_source(_tell, target, *_):
    """Stands for a source that was read."""
    form = Identity("resnet20", "cifar-b", 10, 3, "cifar", "classifier", 32)
    return cargo_to_wire(
        Cargo(Description(target, "fake 1", "float32", "float32", form, 0, (), {}), (), ())
    )


@pytest.fixture
def carry(tmp_path, monkeypatch, capfd):
    """Carry something into the file `w.pth`, which is there already; what was said."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(confining, "GRACE", 0.5)
    file = tmp_path / "w.pth"
    file.write_text("old")

    def carried(source, destination, words):
        limit = "1" if words == LATE else "60"
        command = [source, destination, "--out", str(file), "--timeout", limit]
        assert run(["transplant", *command]) == 2
        out, err = capfd.readouterr()
        assert out == ""
        assert "Traceback (most" not in err
        assert len(err) < 5000
        assert file.read_text() == "old"
        assert [*tmp_path.iterdir()] == [file]
        return err.splitlines()[-1]

    return carried


@pytest.mark.parametrize("name", sampled(HOSTILE, 3))
def test_a_hostile_source(name, carry):
    said = carry(f"{NETS}:{name}", "never:reached", HOSTILE[name])
    assert said.startswith(f"resnet-verify: error: {NETS}:{name}: ")
    assert HOSTILE[name] in said


@pytest.mark.parametrize("name", sampled(HOSTILE, 5))
def test_a_hostile_destination(name, carry, monkeypatch):
    monkeypatch.setattr(carried, "source", sound_source)
    said = carry("any:source", f"{NETS}:{name}", HOSTILE[name])
    assert said.startswith(f"resnet-verify: error: {NETS}:{name}: ")
    assert HOSTILE[name] in said


@pytest.mark.parametrize("name", ["closes_stdout", "starts_a_daemon", "leaves_temporary_files"])
def test_what_does_no_harm_is_told_what_is_wrong_with_it(name, carry):
    assert NO_MODEL in carry(f"{NETS}:{name}", "never:reached", NO_MODEL)


@pytest.mark.parametrize("words", ["soon", "0", "-1", "inf", "nan"])
def test_a_bad_time_limit(words, tmp_path, capsys):
    out = str(tmp_path / "w.pth")
    assert run(["transplant", "a:b", "c:d", "--out", out, f"--timeout={words}"]) == 2
    message = f"a time limit is a positive number of seconds, not '{words}'"
    assert capsys.readouterr().err == f"resnet-verify: error: {message}\n"
    assert [*tmp_path.iterdir()] == []
