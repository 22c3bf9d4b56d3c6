"""`resnet-verify` as a person or a script runs it."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from resnet_verify.cli import run

ROOT = Path(__file__).parents[2]
CLI = [sys.executable, "-m", "resnet_verify.cli"]


@pytest.fixture
def nets(tmp_path, monkeypatch, fake):
    """The current folder, with `nets.py`, a file of fake networks."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(fake.NETS)
    return tmp_path


def test_a_conforming_target(nets, capsys):
    assert run(["check", "nets.py:good"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "conforming   nets.py:good",
        "  form       resnet50 v1.5, imagenet stem, head: classifier of 1000 classes, "
        "3 input channels, output stride 32",
        "  parameters 25,557,032 trainable + 53,120 running statistics = 25,610,152",
        "  checks     3 passed, 1 skipped in 0.8 s, fake 1.0",
        "",
        "advice",
        "  BN momentum is 0.99",
    ]
    assert err == "resnet-verify: judging nets.py:good\n"


def test_a_defect_verdict_first_then_the_cause_then_the_details(nets, capsys):
    assert run(["check", "nets.py:very_broken", "--variant", "v1.5"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["defect       nets.py:very_broken", "  cause      stride 2 is on conv 0"]
    title, where, expected, found, source, reproduce = lines[lines.index("") + 1 :][:6]
    assert title.startswith("STR-STRIDE  stride sits on the 3x3 convolution")
    assert title.endswith("[nets.py:very_broken, fake 1.0]")
    assert len(title) == 100
    assert where == "  where      stage 3, block 0   (your a.b)"
    assert expected == "  expected   stride 1"
    assert found == "  found      stride 2"
    assert source == "  source     He et al. 2016"
    assert reproduce.endswith("check nets.py:very_broken --variant v1.5 --select STR-STRIDE")
    assert "  NUM-EVAL outputs differ" in lines


def test_reproduce_is_a_command_that_works(nets, capsys):
    run(["check", "nets.py:broken", "--variant", "v1.5", "--seed", "3", "--no-isolate"])
    out = capsys.readouterr().out
    words = out.partition("reproduce  resnet-verify ")[2].splitlines()[0].split()
    assert run([*words, "--no-isolate"]) == 1
    assert "1 failed in" in capsys.readouterr().out


def test_reproduce_quotes_for_the_shell(nets, capsys):
    run(["check", "nets.py:good?num_classes=10", "--json", "out.json", "--no-isolate"])
    check = json.loads((nets / "out.json").read_text())["targets"][0]["checks"][0]
    expected = "resnet-verify check 'nets.py:good?num_classes=10' --select STR-STEM"
    assert check["reproduce"] == expected


def test_what_could_not_be_judged_does_not_conform(nets, capsys):
    assert run(["check", "nets.py:unjudged", "--no-isolate"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("error        nets.py:unjudged\n  cause      STR-STEM: no graph\n")
    assert "could not be judged\n  not run: no graph\n    STR-STEM" in out


def test_the_time_limit(nets, capsys):
    assert run(["check", "nets.py:slow", "--timeout", "0.2"]) == 1
    assert (
        "error: no answer within the time limit of 0.2 s\n    NUM-EVAL" in capsys.readouterr().out
    )
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_json_follows_the_schema(nets):
    assert run(["check", "nets.py:broken", "nets.py:gone", "nets.py:good", "--json", "o.json"]) == 2
    report = json.loads((nets / "o.json").read_text())
    assert list(report) == ["schema", "tool", "environment", "targets"]
    assert report["schema"] == 1
    assert report["tool"]["name"] == "resnet-verify"
    broken, gone, good = report["targets"]
    for entry in report["targets"]:
        assert list(entry) == [
            "target", "framework", "framework_version", "verdict", "identified", "params",
            "diagnoses", "advice", "seconds", "checks",
        ]  # fmt: skip
    assert [e["verdict"] for e in report["targets"]] == ["defect", "error", "conforming"]
    assert broken["identified"] == {
        "arch": "resnet50", "variant": "v1.5", "num_classes": 1000, "in_channels": 3,
        "stem": "imagenet", "head": "classifier", "output_stride": 32,
    }  # fmt: skip
    assert broken["params"] == {"trainable": 25557032, "buffers": 53120, "total": 25610152}
    assert list(broken["diagnoses"][0]) == ["check", "where", "expected", "found", "message"]
    assert list(broken["checks"][0]) == ["id", "outcome", "seconds", "message", "reproduce"]
    assert good["diagnoses"] == []
    assert gone["diagnoses"][0]["message"].startswith("nets.py:gone: nets.py has no 'gone'")


def test_json_replaces_a_file_at_once(nets, monkeypatch, capsys):
    (nets / "out.json").write_text("old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    assert run(["check", "nets.py:good", "--no-isolate", "--json", "out.json"]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("conforming")
    assert err.endswith("resnet-verify: error: --json out.json: full\n")
    assert (nets / "out.json").read_text() == "old"
    assert [path.name for path in nets.glob(".out*")] == []


def test_identify_says_the_form(nets, capsys):
    assert run(["identify", "nets.py:good", "--no-isolate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "nets.py:good"
    assert lines[1].startswith("  form       resnet50 v1.5")
    assert run(["identify", "nets.py:broken", "--no-isolate"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("  nearest    resnet50 v1.5")
    assert lines[-1] == "  but        stage 3, block 0: stride 2 is on conv 0"


def test_list_and_explain(fake, capsys):
    assert run(["list"]) == 0
    share, promise = capsys.readouterr().out.splitlines()[1].split(maxsplit=2)[1:]
    assert share.endswith("%")
    assert promise == "stride sits on the 3x3 convolution"
    assert run(["explain", "str-stride"]) == 0
    assert capsys.readouterr().out == (
        "STR-STRIDE  stride sits on the 3x3 convolution\n\nHow it is judged.\n\n"
        "Source: He et al. 2016\n"
    )
    assert run(["explain", "STR-STRIDES"]) == 2
    assert "there is no check 'STR-STRIDES'; did you mean STR-STRIDE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["chek", "nets.py:good"], "invalid choice: 'chek'"),
        (["check"], "the following arguments are required: TARGET"),
        (["check", "nets.py:good", "--varient", "v1"], "did you mean --variant?"),
        (["check", "nets.py:good", "--allow-head", "x"], "invalid choice: 'x'"),
        (["check", "nets.py:good", "--variant", "v3"], "unknown variant 'v3'; known: v1.5"),
        (["check", "nets.py:good", "--arch", "resnet51"], "unknown architecture 'resnet51'"),
        (["check", "nets.py:good", "--select", "FOO"], "valid ids: STR-STEM, STR-STRIDE"),
        (["check", "nets.py:good", "--exclude", "STR,NUM,GPU"], "leave no check to run"),
        (["check", "nets.py:good", "--timeout", "-1"], "positive number of seconds, not '-1'"),
        (["check", "nets.py:good", "--json", "no/o.json"], "there is no folder no"),
        (["check", "nosuch.module:x"], "there is no module 'nosuch'"),
        (["check", "json:dumps"], "this needs the argument 'obj'"),
        (["check", "os.path:join"], "this needs the argument 'a'"),
        (["check", "nets.py:explodes"], "the factory raised ValueError: boom (nets.py, line 20"),
        (["check", "nets.py:needs"], "this needs the argument 'width'"),
        (["check", "nets.py:returns_none"], "the factory returned None"),
        (["check", "nets.py:goood"], "did you mean 'good'?"),
        (["identify", "nets.py:dict"], "nets.py has no 'dict'"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(nets, capsys, argv, message):
    here = ["--no-isolate"] if argv[:1] in (["check"], ["identify"]) and len(argv) > 1 else []
    assert run([*argv, *here]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in err + out


@pytest.mark.parametrize("command", ["check", "identify"])
@pytest.mark.parametrize("isolation", [(), ("--no-isolate",)])
def test_a_demanded_gpu_that_is_not_there(nets, capsys, monkeypatch, command, isolation):
    monkeypatch.setattr("resnet_verify.gpu.why_unusable", lambda: "the reason")
    assert run([command, "nets.py:good", "--gpu", *isolation]) == 2
    assert capsys.readouterr() == ("", "resnet-verify: error: --gpu: the reason\n")


def test_verbose_shows_the_traceback(nets, capsys):
    assert run(["check", "nets.py:explodes", "-v"]) == 2
    err = capsys.readouterr().err
    assert "ValueError: boom" in err
    assert "Traceback" in err


def test_an_interrupt_ends_with_130(nets, capsys):
    (nets / "stuck.py").write_text("def make():\n    raise KeyboardInterrupt")
    assert run(["check", "stuck.py:make", "--no-isolate"]) == 130
    assert capsys.readouterr().err.endswith("resnet-verify: interrupted\n")


def test_each_of_several_targets_is_judged_in_a_process_of_its_own(nets, capsys):
    assert run(["check", *["nets.py:process"] * 2, "nets.py:good"]) == 1
    out, err = capsys.readouterr()
    pids = {line.rpartition(" ")[2] for line in out.splitlines() if "cause" in line}
    assert len(pids | {str(os.getpid())}) == 3
    titles = [line for line in out.splitlines() if line[:1] in ("c", "d") and "nets.py:" in line]
    assert [title.split()[0] for title in titles] == ["defect", "defect", "conforming"]
    assert err.splitlines()[-1] == "resnet-verify: judging nets.py:good"


def test_targets_judged_side_by_side_are_said_in_order(nets, capsys):
    words = ["nets.py:slow", "nets.py:good", "--jobs", "2", "--timeout", "2", "--json", "o.json"]
    assert run(["check", *words]) == 1
    out = capsys.readouterr().out
    assert out.index("error        nets.py:slow") < out.index("conforming   nets.py:good")
    entries = json.loads((nets / "o.json").read_text())["targets"]
    assert [entry["target"] for entry in entries] == ["nets.py:slow", "nets.py:good"]
    assert run(["check", "nets.py:good", "--jobs", "2", "--no-isolate"]) == 2
    assert run(["check", "nets.py:good", "--jobs", "0"]) == 2


def test_the_others_are_judged_where_one_does_not_load_or_its_process_dies(nets, capsys):
    assert run(["check", "nets.py:explodes", "nets.py:dies", "nets.py:good", "-v"]) == 2
    out, err = capsys.readouterr()
    assert out.lstrip().startswith("conforming   nets.py:good\n")
    assert "error: nets.py:explodes: the factory raised ValueError: boom (nets.py, line" in err
    assert "Traceback" in err
    assert "error: nets.py:dies: its process left with exit code 3\n" in err


def test_what_was_judged_before_an_interrupt_is_kept(nets, capsys):
    targets = ["nets.py:good", "nets.py:interrupted", "nets.py:good"]
    assert run(["check", *targets, "--no-isolate", "--json", "out.json"]) == 130
    out, err = capsys.readouterr()
    assert out.count("conforming") == 1
    assert err.endswith("resnet-verify: interrupted\n")
    report = json.loads((nets / "out.json").read_text())
    assert [entry["verdict"] for entry in report["targets"]] == ["conforming"]


def test_a_terminal_gets_colour_and_one_live_line(nets, monkeypatch, fake):
    shown = _in_terminal(nets, {})
    assert "\x1b[32mconforming" in shown
    assert "nets.py:good  2/4  STR-STRIDE" in shown
    assert "judging" not in shown
    assert "\x1b[32m" not in _in_terminal(nets, {"NO_COLOR": "1"})


def _in_terminal(folder, environment):
    """What a terminal receives of `check nets.py:good` with the stand-ins."""
    script = (
        "import sys; from tests.fake import install; from resnet_verify.cli import run;"
        "install(); run(sys.argv[1:])"
    )
    terminal = {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80"}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", script, "check", "nets.py:good"],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | terminal | environment,
    )
    os.close(theirs)
    received = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:
            break
        if not chunk:
            break
        received += chunk
    process.wait()
    os.close(ours)
    return received.decode()


def test_the_command_is_quick_to_say_that_a_module_is_missing(tmp_path):
    command = [*CLI, "check", "nosuch.module:x"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
