"""Real processes, with networks that cost next to nothing: ONNX files."""

import json
import os
import subprocess

import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from resnet_ref.onnx import build  # noqa: E402
from resnet_ref.spec import spec  # noqa: E402
from resnet_verify.bench.measure import MeasureError, Side, started  # noqa: E402
from resnet_verify.bench.regress import Rule  # noqa: E402
from resnet_verify.bench.revision import checked_out  # noqa: E402
from resnet_verify.bench.versus import alone, contest  # noqa: E402
from resnet_verify.bench.workload import Unsupported, Workload  # noqa: E402
from resnet_verify.cli import run  # noqa: E402

SMALL = Workload(batch=1, size=32)
RULE = Rule(effect=0.3, looks=(5, 10))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    for arch in ("resnet20", "resnet56"):
        onnx.save(build(spec(arch)), str(folder / f"{arch}.onnx"))
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def side(path):
    return Side(str(path), SMALL)


def test_a_slower_network_is_found_and_confirmed(files):
    found = contest(side(files / "resnet56.onnx"), side(files / "resnet20.onnx"), RULE, 60)
    assert found.verdict == "slower"
    assert found.settled
    assert found.comparison.ratio > 1.5
    assert len(found.runs) == 2
    first = found.runs[0]
    samples = sorted((*first.target.samples, *first.yardstick.samples), key=lambda s: s.order)
    assert [sample.order for sample in samples] == list(range(2 * found.comparison.pairs))
    assert [sample.at for sample in samples] == sorted(sample.at for sample in samples)
    assert len({sample.steps for sample in samples}) == 1
    ours = [sample.order % 2 for sample in first.target.samples]
    assert len(set(ours)) == 2, "which side comes first has to be drawn"


def test_the_processes_end_with_the_measurement(files):
    with started(side(files / "resnet20.onnx")) as worker:
        assert worker.ready.framework.startswith("onnxruntime")
        assert worker.sample(0, 2).cpu > 0
        assert worker.ceiling() > 1e9
        pid = worker._process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_one_network_alone(files):
    taken = alone(side(files / "resnet20.onnx"), 0.01)
    assert len(taken.samples) >= 20


@pytest.mark.parametrize(
    ("target", "workload", "message"),
    [
        ("none.onnx", SMALL, "there is no such file"),
        ("nosuch:thing", SMALL, "no module 'nosuch'"),
        ("os:getcwd", SMALL, "a builtins.str cannot be timed"),
        ("{files}/resnet20.onnx", Workload(mode="training"), "cannot be trained"),
        ("{files}/resnet20.onnx", Workload(engine="eager"), "has no engine 'eager'.*has engine"),
        ("{files}/resnet20.onnx", Workload(dtype="bfloat16"), "float32, NCHW"),
    ],
)
def test_what_cannot_be_timed_is_said(files, target, workload, message):
    with (
        started(Side(target.format(files=files), workload)) as worker,
        pytest.raises(Unsupported, match=message),
    ):
        _ = worker.ready


def test_a_process_that_dies_is_said(folder):
    (folder / "dying.py").write_text(
        "import os\ndef net():\n    print('so long')\n    os._exit(7)\n"
    )
    with (
        started(Side("dying.py:net", SMALL)) as worker,
        pytest.raises(MeasureError, match=r"exit code 7"),
    ):
        _ = worker.ready


def git(*words):
    identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


def test_a_revision_is_checked_out_beside_and_removed(folder):
    git("init", "-q")
    (folder / "sub").mkdir()
    (folder / "sub" / "file").write_text("old")
    git("add", "-A")
    git("commit", "-qm", "one")
    (folder / "sub" / "file").write_text("new")
    with checked_out("HEAD", folder / "sub") as tree:
        assert (tree / "file").read_text() == "old"
        assert (folder / "sub" / "file").read_text() == "new"
    assert not tree.exists()
    done = subprocess.run(["git", "worktree", "list"], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
    with pytest.raises(MeasureError, match="no revision 'nosuch'"), checked_out("nosuch", folder):
        pass


def test_two_revisions_of_one_installed_file_are_refused(folder):
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    target = Side("resnet_verify.bench.twin:onnx?arch=resnet20", SMALL, folder)
    with checked_out("HEAD", folder) as tree, pytest.raises(MeasureError, match="both revisions"):
        contest(target, Side(target.target, SMALL, tree), RULE, 1)


def bench(*words):
    return run(["bench", *map(str, words), "--size", "32", "--batch", "1", "--budget", "5"])


def test_the_command_line_gates_and_records(files, folder, capsys):
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("ruptures")
    small, large = files / "resnet20.onnx", files / "resnet56.onnx"
    assert bench(large, "--against", small, "--effect", "30", "--json", "out.json") == 1
    shown = capsys.readouterr().out
    assert shown.startswith("slower ")
    assert "confirmed" in shown
    (record,) = json.loads((folder / "out.json").read_text())
    assert record["verdict"] == "slower"
    assert len(record["data"]["samples"]) == 2
    assert record["data"]["figures"][0]["macs_per_second"] > 0
    assert run(["history"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert run(["history", "report", "--html", "page.html"]) == 0
    assert "resnet56.onnx" in (folder / "page.html").read_text()
    assert run(["history", "accept", record["id"][:8], "--reason", "deeper"]) == 0
    assert run(["history", "prune", "--older-than", "0"]) == 0
    assert "pruned       1 records" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bench", "none.onnx"], "there is no such file"),
        (["bench", "x:y", "--effect", "0"], "lie in"),
        (["bench", "x:y", "--json", "no/such/file"], "a folder that exists"),
        (["bench", "x:y", "--batch", "0"], "a positive number is needed"),
        (["bench", "x:y", "--against", "a", "--against-rev", "b"], "not allowed with"),
        (["history", "--store", "none.sqlite"], "there is no store"),
    ],
)
def test_wrong_usage_is_said(folder, capsys, words, message):
    pytest.importorskip("sqlalchemy")
    assert run(words) == 2
    assert message in capsys.readouterr().err
