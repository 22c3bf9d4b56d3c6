"""`resnet-verify transplant`: weights go from one implementation to another, or nothing does."""

import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

paddle = pytest.importorskip("paddle")
pytest.importorskip("safetensors")

from safetensors.numpy import load_file, save_file  # noqa: E402

from resnet_verify.carry import read_source, write_destination  # noqa: E402
from resnet_verify.cli import run  # noqa: E402
from tests.cli import transplant_nets  # noqa: E402

ROOT = Path(__file__).parents[2]
CLI = [sys.executable, "-m", "resnet_verify.cli", "transplant"]
NETS = "tests.cli.transplant_nets"
REF, OTHER = f"{NETS}:ref", f"{NETS}:other"


@contextmanager
def carried_here(order, name, heed, _printed):
    """`carried_over`, with both halves of the work in this process."""
    with TemporaryDirectory() as folder:
        arrays, draft = Path(folder, "arrays.npz"), Path(folder, name)
        cargo = read_source(heed, order.source, order.weights, order.seed, arrays)
        landing = write_destination(heed, order.destination, cargo, arrays, draft, order.seed)
        yield cargo, landing, draft


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder; no process is started."""
    monkeypatch.setattr("resnet_verify.carrying.carried_over", carried_here)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def carry(source, destination, out, *options):
    return run(["transplant", source, destination, "--out", str(out), *options])


def state_of(model):
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def test_the_report_and_the_file(folder, capsys):
    assert carry(REF, OTHER, "w.safetensors") == 0
    out, err = capsys.readouterr()
    title, form, source, destination, tensors, *parity, file = out.splitlines()
    assert title == f"carried      {REF} to {OTHER}"
    assert form.startswith("  form       resnet20 cifar-b, cifar stem, head: classifier of 10 cl")
    version = f"paddle {paddle.__version__}, float32"
    assert (source, destination) == (f"  from       {version}", f"  to         {version}")
    assert tensors == "  tensors    107 with 274,042 numbers, each to the last bit"
    assert [line.partition(": ")[0] for line in parity] == [
        "  parity     evaluation mode, input 2x3x32x32",
        "  parity     evaluation mode, input 2x3x224x224",
    ]
    assert all(line.endswith("(bound 5e-05)") for line in parity)
    assert file == "  file       w.safetensors, 1.1 MB"
    assert err == f"resnet-verify: carrying {REF} to {OTHER}\n"
    assert load_file("w.safetensors").keys() == transplant_nets.other().state_dict().keys()
    assert os.listdir(folder) == ["w.safetensors"]


def test_there_and_back_gives_the_same_to_the_last_bit(folder, capsys):
    between = f"{NETS}:in_another_style"
    assert carry(REF, between, "there.pdparams") == 0
    assert carry(between, REF, "back.safetensors", "--weights", "there.pdparams") == 0
    expected, found = state_of(transplant_nets.ref()), load_file("back.safetensors")
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
    assert capsys.readouterr().out.count("each to the last bit") == 2


def test_the_native_file_is_loaded_by_its_framework(folder):
    assert carry(REF, OTHER, "w.pdparams") == 0
    model = transplant_nets.other()
    missing, unexpected = model.set_state_dict(paddle.load("w.pdparams"))
    assert (missing, unexpected) == ([], [])
    model.eval()
    reference = transplant_nets.ref()
    reference.eval()
    batch = paddle.randn([2, 3, 40, 40])
    assert np.allclose(model(batch).numpy(), reference(batch).numpy(), rtol=1e-4, atol=1e-5)


def test_what_has_no_counterpart_is_named(folder, capsys):
    unused = f"{NETS}:with_unused_layer"
    assert carry(unused, unused, "w.safetensors") == 0
    out = capsys.readouterr().out
    names = "auxiliary.weight and 1 more"
    assert f"  left       {names}: the form does not have them\n" in out
    assert f"  kept       {names}: as the destination made them\n" in out
    assert "auxiliary.bias" in load_file("w.safetensors")


def test_conversions_are_told_and_what_only_training_sees_is_no_hindrance(folder, capsys):
    assert carry(f"{NETS}:double", f"{NETS}:frozen", "w.safetensors") == 0
    out = capsys.readouterr().out
    assert f"  from       paddle {paddle.__version__}, float64\n" in out
    assert "274,042 numbers, 107 tensors rounded from float64 to float32\n" in out
    assert {array.dtype for array in load_file("w.safetensors").values()} == {np.dtype("f4")}


@pytest.mark.parametrize(
    ("source", "destination", "message"),
    [
        (REF, "ref?num_classes=100",
         "the source has 10 classes, the destination 100 classes: the weights do not fit, from "
         "head, linear 0, weight on"),
        (REF, "ref?variant=cifar-a",
         "the source is resnet20 cifar-b, the destination resnet20 cifar-a: the weights do not "
         "fit, from stage 2, block 0, shortcut, conv 0, weight on"),
        ("ref?variant=cifar-a", "with_zeros_behind",
         "stage 2, block 0, shortcut, padded shortcut 0 is PadShortcut("),
        (REF, "ref?head=softmax",
         "the source has head classifier, the destination head softmax: the weights fit, but the "
         "outputs would not agree"),
        (REF, "without_a_relu",
         f"{NETS}:without_a_relu is no documented form: stem, relu 0: the ReLU is missing"),
        ("without_a_relu", REF,
         f"{NETS}:without_a_relu is no documented form: stem, relu 0: the ReLU is missing"),
        (REF, "hidden", f"{NETS}:hidden: stem, conv 0, weight: it is not registered, so no file"),
        ("infinite", OTHER, f"{NETS}:infinite: its outputs are not finite"),
    ],
)  # fmt: skip
def test_networks_that_differ_are_refused(folder, capsys, source, destination, message):
    Path("w.safetensors").write_text("old")
    names = [name if ":" in name else f"{NETS}:{name}" for name in (source, destination)]
    assert carry(*names, "w.safetensors") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith(f"resnet-verify: error: {message}")
    assert err.endswith("; nothing is written\n")
    assert Path("w.safetensors").read_text() == "old"
    assert os.listdir(folder) == ["w.safetensors"]


def test_outputs_that_differ_are_refused(folder, capsys, monkeypatch):
    monkeypatch.setattr("resnet_verify.carry.bound", lambda *_: -1.0)
    assert carry(REF, OTHER, "w.safetensors") == 1
    message = "in evaluation mode the outputs for input 2x3x32x32 are not the source's (relative"
    assert message in capsys.readouterr().err
    assert os.listdir(folder) == []


def _truncated(path):
    path.write_bytes(path.read_bytes()[:-1000])


def _without(name):
    return lambda path: _resaved(path, lambda state: state.pop(name))


def _resaved(path, change):
    state = load_file(path)
    change(state)
    save_file(state, path)


@pytest.mark.parametrize(
    ("suffix", "spoil", "message"),
    [
        (".safetensors", _truncated, "w.safetensors is damaged, or no safetensors file ("),
        (".pdparams", _truncated, "w.pdparams is damaged, or no .pdparams file ("),
        (".pdparams", lambda path: path.write_bytes(pickle.dumps({"a": _Evil()})),
         "w.pdparams is refused: it is to run "),
        (".safetensors", _without("conv1.weight"),
         "w.safetensors lacks 'conv1.weight', which the network has"),
        (".safetensors", lambda path: _resaved(path, lambda s: s.update(a=s["conv1.weight"])),
         "w.safetensors has 'a', which the network lacks"),
        (".safetensors", lambda path: _resaved(path, lambda s: s.update({"linear.bias": s["a"]})
                                               if "a" in s else s.update(
                                                   {"linear.bias": np.zeros(9, "f4")})),
         "w.safetensors: linear.bias has shape (9,), in the network (10,)"),
        (".safetensors", Path.unlink, "--weights w.safetensors: there is no such file"),
        (".pth", Path.touch, "w.pth: weights for paddle are in .safetensors or .pdparams files"),
    ],
)  # fmt: skip
def test_a_bad_file_of_weights_is_one_message(folder, capsys, suffix, spoil, message):
    path = Path(f"w{suffix}")
    if suffix == ".safetensors":
        save_file(state_of(transplant_nets.other()), path)
    elif suffix == ".pdparams":
        paddle.save(transplant_nets.other().state_dict(), str(path))
    spoil(path)
    assert carry(OTHER, REF, "out.safetensors", "--weights", str(path)) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"resnet-verify: error: {message}")
    assert not {"out.safetensors", "pwned"} & set(os.listdir(folder))


class _Evil:
    def __reduce__(self):
        return os.system, ("touch pwned",)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([REF, OTHER], "the following arguments are required: --out"),
        ([REF, "--out", "w.safetensors"], "the following arguments are required: DESTINATION"),
        ([REF, OTHER, "--out", "."], "--out .: this is a folder; name a file"),
        ([REF, OTHER, "--out", "no/w.pdparams"], "--out no/w.pdparams: there is no folder no"),
        ([REF, OTHER, "--out", "w"], "w: weights for paddle are in .safetensors or .pdparams"),
        ([REF, OTHER, "--out", "w.pth"], "w.pth: weights for paddle are in .safetensors or .pd"),
        ([REF, OTHER, "--out", "w.pth", "--weight", "x"], "did you mean --weights?"),
        (["nosuch:net", OTHER, "--out", "w.pdparams"], "there is no module 'nosuch' here"),
        ([REF, f"{NETS}:gone", "--out", "w.pdparams"], f"{NETS} has no 'gone'"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(folder, capsys, argv, message):
    assert run(["transplant", *argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err.splitlines()[-1]
    assert os.listdir(folder) == []


def test_a_missing_safetensors_says_how_to_install_it(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    assert carry(REF, OTHER, "w.safetensors") == 2
    assert capsys.readouterr().err == (
        "resnet-verify: error: w.safetensors needs the package safetensors: "
        "pip install safetensors\n"
    )


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (OSError(28, "No space left on device"), 2, "w.pdparams cannot be written: [Errno 28] No"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_what_fails_half_way_leaves_nothing(folder, capsys, monkeypatch, error, code, message):
    def fail(_state, path):
        Path(path).write_bytes(b"half")
        raise error

    Path("w.pdparams").write_text("old")
    monkeypatch.setattr(paddle, "save", fail)
    assert carry(REF, OTHER, "w.pdparams") == code
    assert message in capsys.readouterr().err
    assert Path("w.pdparams").read_text() == "old"
    assert os.listdir(folder) == ["w.pdparams"]


def started(tmp_path, *argv):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    return subprocess.Popen(
        [*CLI, *argv], cwd=tmp_path, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_both_halves_run_in_processes_of_their_own(tmp_path):
    process = started(tmp_path, REF, OTHER, "--out", "w.safetensors")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.startswith(f"carried      {REF} to {OTHER}\n")
    process = started(tmp_path, f"{NETS}:dies", OTHER, "--out", "w.safetensors")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (2, "")
    assert err.endswith(f"error: {NETS}:dies: its process left with exit code 3\n")
    assert os.listdir(tmp_path) == ["w.safetensors"]


def test_a_network_that_does_not_run(tmp_path):
    closes_stdout = "tests.isolation.hostile_networks:closes_stdout?framework=paddle"
    process = started(tmp_path, closes_stdout, OTHER, "--out", "w.safetensors")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (2, "")
    assert f"error: {closes_stdout}: the network cannot be captured" in err.splitlines()[-1]
    assert os.listdir(tmp_path) == []


def test_a_network_that_is_late(tmp_path):
    command = [f"{NETS}:waits", OTHER, "--out", "w.safetensors", "--timeout", "5"]
    out, err = started(tmp_path, *command).communicate(timeout=120)
    assert out == ""
    assert f"error: {NETS}:waits: no answer within the time limit of 5 s" in err
    assert set(os.listdir(tmp_path)) <= {"waiting"}


@pytest.mark.parametrize(
    ("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_an_interrupt_leaves_nothing(tmp_path, sign, code):
    process = started(tmp_path, f"{NETS}:waits", OTHER, "--out", "w.safetensors")
    deadline = time.monotonic() + 60
    while not (tmp_path / "waiting").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(sign)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, "")
    assert err.endswith("\nresnet-verify: interrupted\n") or sign == signal.SIGKILL
    deadline = time.monotonic() + 30
    while len(left := os.listdir(tmp_path)) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == ["waiting"]


def test_there_and_back_across_frameworks(tmp_path):
    """Each half in a process of its own: Paddle and PyTorch never meet."""
    pytest.importorskip("torch")
    (tmp_path / "nets.py").write_text(
        "import sys\n"
        "from resnet_ref.spec import spec\n"
        "from resnet_ref.torch import build\n"
        "def net():\n"
        "    assert 'paddle' not in sys.modules\n"
        "    return build(spec('resnet20', 'cifar-b'))\n"
    )
    for argv in (
        [REF, "nets.py:net", "--out", "there.pt"],
        ["nets.py:net", REF, "--out", "back.safetensors", "--weights", "there.pt"],
    ):
        process = started(tmp_path, *argv)
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        assert "each to the last bit" in out
    expected, found = state_of(transplant_nets.ref()), load_file(tmp_path / "back.safetensors")
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
