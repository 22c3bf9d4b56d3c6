"""Training in each framework: it learns, and goes on after a kill as if there had been none."""

import json
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest

from resnet_ref import cli, data
from resnet_ref.batches import Batches
from resnet_ref.recipes import recipe
from resnet_ref.train import Settings, evaluate, start_from, train, trainer
from resnet_ref.train_files import Run, read_tensors, replace_file

FRAMEWORKS = ("paddle", "torch", "mindspore")
TINY = ("--limit", "128", "--epochs", "3", "--size", "8", "--batch-size", "32")


@pytest.fixture(params=FRAMEWORKS)
def framework(request):
    pytest.importorskip(request.param)
    pytest.importorskip("safetensors")
    return request.param


@pytest.fixture
def images():
    """Bright and dark images, which anything can learn to tell apart."""
    labels = np.arange(32) % 2
    noise = np.random.default_rng(0).integers(0, 60, (32, 1, 8, 8))
    part = data.Images((noise + 190 * labels[:, None, None, None]).astype(np.uint8), labels)
    return data.Split(part, part.first(16), tuple("0123456789"))


def small(**changes):
    return recipe("smoke").override({"size": 8, "epochs": 3, "batch_size": 16, **changes})


def run_of(folder):
    run = Run(folder, {"framework": "any", "recipe": {}, "settings": {}})
    run.open(resume=False)
    return run


def measures(lines):
    timed = ("seconds", "images_per_second")
    return [{name: line[name] for name in line if name not in timed} for line in lines]


def test_it_learns_and_goes_on_from_a_checkpoint(framework, images, tmp_path):
    class Stopped(Exception):
        pass

    def stop(epoch, *_):
        if epoch == 1:
            raise Stopped

    chosen, settings = small(optimiser="adam", learning_rate=0.01), Settings(seed=4)
    whole = train(trainer(framework, chosen, settings), chosen, images, run_of(tmp_path / "a"),
                  settings)  # fmt: skip
    assert whole[-1]["train_loss"] < whole[0]["train_loss"] / 2
    run = run_of(tmp_path / "b")
    with pytest.raises(Stopped):
        train(trainer(framework, chosen, settings), chosen, images, run, settings, stop)
    assert len(run.metrics.read_text().splitlines()) == 1
    learner = trainer(framework, chosen, Settings(seed=5))  # all must come from the checkpoint
    again = train(learner, chosen, images, run, settings)
    assert measures(again) == measures(whole)
    best = max(whole, key=lambda line: line["test_accuracy"])
    learner.load_weights(read_tensors(run.best)[0])
    assert evaluate(learner, images.test, 16)[1] == best["test_accuracy"]


def test_weights_of_another_start_it_but_for_the_classifier(framework, images):
    chosen = small()
    first, second = (trainer(framework, chosen, Settings(seed=seed)) for seed in (0, 1))
    given = first.weights()
    classifier = [name for name in given if name.startswith("head.")]
    given |= {name: np.zeros((7, 7), np.float32) for name in classifier}
    assert start_from(second, given) == classifier
    found = second.weights()
    same = [np.array_equal(found[name], given[name]) for name in given if name not in classifier]
    assert all(same)
    with pytest.raises(ValueError, match="lack"):
        start_from(second, {name: given[name] for name in list(given)[1:]})


def test_bfloat16_computes_otherwise_and_keeps_float32_weights(images):
    pytest.importorskip("torch")
    scores = []
    for precision in ("float32", "bfloat16"):
        chosen = small(precision=precision)
        learner = trainer("torch", chosen, Settings())
        learner.step(images.train.pixels, images.train.labels, 0.01)
        kinds = {array.dtype for array in learner.weights().values() if array.ndim}
        assert kinds == {np.dtype("float32")}
        scores.append(learner.logits(images.test.pixels))
    assert 0 < np.abs(scores[0] - scores[1]).max() < 0.2


def command(*words):
    return [sys.executable, "-m", "resnet_ref.cli", "train", "smoke", *TINY, *words]


def test_killed_at_any_moment_it_goes_on_to_the_same_numbers(tmp_path):
    for package in ("torch", "sklearn", "matplotlib", "tqdm", "tensorboardX"):
        pytest.importorskip(package)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    words = ("--framework", "torch", "--tensorboard", "--out")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = subprocess.run(command(*words, str(whole)), capture_output=True, text=True,
                          env=environment)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"test accuracy 0\.\d{4} after 3 epochs", done.stdout)
    process = subprocess.Popen(command(*words, str(killed)), stderr=subprocess.DEVNULL,
                               env=environment)  # fmt: skip
    while not (killed / "metrics.jsonl").exists() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    resumed = subprocess.run(command(*words, str(killed), "--resume"), capture_output=True,
                             text=True, env=environment)  # fmt: skip
    assert resumed.returncode == 0, resumed.stderr
    both = [
        [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in (whole, killed)
    ]
    assert measures(both[0]) == measures(both[1])
    assert len(list((whole / "tensorboard").iterdir())) == 1
    page = (whole / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert "http-equiv" not in page
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_a_run_is_neither_overwritten_nor_mixed(tmp_path):
    facts = {"framework": "torch", "recipe": {"epochs": 3}, "settings": {"seed": 0}}
    Run(tmp_path, facts).open(resume=False)
    with pytest.raises(ValueError, match="holds a run; --resume goes on"):
        Run(tmp_path, facts).open(resume=False)
    Run(tmp_path, facts).open(resume=True)
    with pytest.raises(ValueError, match="the run has recipe"):
        Run(tmp_path, facts | {"recipe": {"epochs": 4}}).open(resume=True)


def test_a_file_is_replaced_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "file"
    replace_file(path, b"old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_damaged_checkpoint_is_told(tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "last.safetensors"
    path.write_bytes(b"no tensors")
    with pytest.raises(ValueError, match=r"no whole \.safetensors file"):
        read_tensors(path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["imagenet"], "unknown recipe 'imagenet'; known: cifar10-resnet18"),
        (["smoke", "--framework", "jax"], "unknown framework 'jax'; known: paddle, torch"),
        (["smoke", "--epochs", "0"], "epochs is a positive number"),
        (["cifar10-resnet18"], "cifar10 needs --data FILE"),
    ],
)
def test_wrong_usage_is_one_line(capsys, words, message):
    if "--framework" in words:
        pytest.importorskip("sklearn")
    assert cli.main(["train", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_recipe_is_shown_with_its_sources(capsys):
    assert cli.main(["train", "smoke", "--epochs", "2", "--show"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"epochs +2 +given by the user", shown)
    assert re.search(r"momentum +0\.9 +He et al\. 2016, section 4\.2", shown)


def test_two_processes_step_by_the_mean_of_their_gradients(tmp_path):
    """With plain batch norms, each process sees its half; the first one's statistics are kept."""
    pytest.importorskip("torch")
    for package in ("sklearn", "matplotlib", "tqdm"):
        pytest.importorskip(package)
    changes = {"size": 8, "epochs": 1, "batch_size": 32, "momentum": 0.0, "weight_decay": 0.0}
    words = [f"--{name.replace('_', '-')}={value}" for name, value in changes.items()]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    program = ["-m", "resnet_ref.cli", "train", "smoke", "--framework", "torch", "--limit", "32"]
    done = subprocess.run([*launch, *program, *words, "--out", str(tmp_path)], capture_output=True,
                          text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = read_tensors(tmp_path / "last.safetensors")[0]

    chosen, images = recipe("smoke").override(changes), data.digits().train.first(32)
    halves = []
    for rank in (0, 1):
        learner = trainer("torch", chosen, Settings())
        ((pixels, labels),) = Batches(images, 32, "none", 0, rank, 2).epoch(0)
        learner.step(pixels, labels, chosen.rate(0))
        halves.append(learner.weights())
    for name, first in halves[0].items():
        if "running" in name:
            expected = first
        else:
            expected = (first + halves[1][name]) / 2
        np.testing.assert_allclose(found[f"weights/{name}"], expected, rtol=1e-4, atol=1e-6)
