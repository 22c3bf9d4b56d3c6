"""The resnet-ref command, run in this process."""

import json
import subprocess
import sys

import pytest

from resnet_ref.cli import main
from tests.ref.tables import summary_table


def run(capsys, *words: str) -> tuple[int, str, str]:
    try:
        code = main(words)
    except SystemExit as leaving:
        code = leaving.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_summary_prints_layers_and_both_splits(capsys):
    code, out, err = run(capsys, "summary", "resnet50")
    assert (code, err) == (0, "")
    printed = [line.split()[0] for line in out.splitlines() if line.split()[:1]]
    assert [row[0] for row in summary_table("resnet50").rows if row[0] in printed] == [
        row[0] for row in summary_table("resnet50").rows
    ]
    for fact in (
        "parameters and buffers  25,610,152",
        "trainable 25,557,032, non-trainable 53,120",
        "trainable 25,503,912, non-trainable 106,240",
        "4,089,184,256",
        "input 0.57, forward and backward 286.57, parameters and buffers 97.69",
        "384.84",
        "stage 2, block 0, shortcut, conv 0",
        "documented: trainable 25,557,032, total 25,610,152",
    ):
        assert fact in out


def test_options_choose_the_form(capsys):
    words = ("resnet18", "--variant", "d2l", "--num-classes", "10", "--input", "2,1,96,96")
    code, out, _ = run(capsys, "summary", *words)
    assert code == 0
    assert out.startswith("resnet18 d2l: 1 input channels")
    assert "11,178,378" in out
    assert "2x64x24x24" in out


def test_other_forms_claim_no_documented_total(capsys):
    for words in (["--stem", "cifar"], ["--head", "none"], ["--num-classes", "7"]):
        _, out, _ = run(capsys, "summary", "resnet50", *words)
        assert "documented" not in out


def test_json_alone(capsys):
    code, out, _ = run(capsys, "summary", "resnet50", "--output-stride", "16", "--json", "-")
    report = json.loads(out)
    assert code == 0
    assert report["form"]["output_stride"] == 16
    assert report["totals"]["total"] == 25_610_152
    assert report["rows"][0] == {
        "layer": "Conv2D-1", "location": "stem, conv 0", "input_shape": [1, 3, 224, 224],
        "output_shape": [1, 64, 112, 112], "params": 9408, "trainable": 9408, "buffers": 0,
        "macs": 118_013_952, "activation_bytes": 3_211_264,
    }  # fmt: skip


def test_json_to_a_file_beside_the_table(capsys, tmp_path):
    file = tmp_path / "resnet20.json"
    code, out, _ = run(capsys, "summary", "resnet20", "--json", str(file))
    assert code == 0
    assert "PadShortcut-1" in out
    assert json.loads(file.read_text())["input_shape"] == [1, 3, 32, 32]


WRONG = [
    (["resnet42"], "unknown architecture 'resnet42'; supported: resnet18, resnet34, resnet50, "),
    (["resnet18", "--variant", "keras"], "variant 'keras' is not documented for resnet18"),
    (["resnet50", "--input", "1,3"], "four positive numbers N,C,H,W are needed, not '1,3'"),
    (["resnet50", "--input", "1,3,a,5"], "four positive numbers"),
    (["resnet50", "--in-channels", "1", "--input", "1,3,64,64"], "stem, conv 0: takes 1 channels"),
    (["resnet50", "--num-classes", "0"], "counted from 1, not 0"),
    (
        ["resnet18", "--stem", "cifar", "--output-stride", "32"],
        "output stride 32; known: 8",
    ),
    (["resnet50", "--head", "hat"], "invalid choice: 'hat'"),
    (["resnet50", "--json", "no/such/folder/file"], "No such file or directory"),
    ([], "ARCH"),
]


@pytest.mark.parametrize(("words", "message"), WRONG)
def test_a_wrong_request_is_one_line_and_exit_code_2(capsys, words, message):
    code, out, err = run(capsys, "summary", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert err.startswith("resnet-ref")


def test_no_framework_and_no_numpy_is_imported():
    code = (
        "import sys; from resnet_ref.cli import main; main(['summary', 'resnet18']);"
        "print([m for m in ('numpy', 'paddle', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_a_reader_that_leaves_is_no_error():
    command = [sys.executable, "-m", "resnet_ref.cli", "summary", "resnet152"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
