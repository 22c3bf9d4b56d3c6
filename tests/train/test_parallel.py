"""The check of data parallelism: what two processes train otherwise than one fails."""

import multiprocessing
import re
from importlib import import_module

import pytest

from resnet_verify import parallel
from resnet_verify.checks import all_checks, select_checks
from resnet_verify.judge import Options
from resnet_verify.target import Target, load_target
from tests.catalogue.sample import WHOLE

RIGHT = [("torch", "right"), ("paddle", "right"), ("torch", "shared_norms")]
OTHER_OUTPUT = "the output in process 1 is not that of one process on the same images"
OTHER_STATISTICS = "mean in process 1 is not what the images make of the first process's"
WRONG = [
    ("torch", "thawed", "stem.*: its gradient in process 0 is not the mean of both"),
    ("torch", "unused", r"auxiliary\.weight \(and 1 others\): trainable, but without a gradient"),
    ("torch", "by_rank", OTHER_OUTPUT),
    ("torch", "unregistered", OTHER_OUTPUT),
    ("torch", "own_statistics", OTHER_STATISTICS),
    ("torch", "hidden_statistics", "in evaluation mode in process 1 afterwards is not that of one"),
    ("torch", "shared_norms_without_their_gradient", "its gradient in process 0 is not the mean"),
    ("paddle", "by_rank", OTHER_OUTPUT),
    ("paddle", "left_out", OTHER_OUTPUT),
    ("paddle", "own_statistics", OTHER_STATISTICS),
]


def judged(framework, name):
    pytest.importorskip(framework)
    return result_for(load_target(f"tests/train/parallel_{framework}.py:{name}"))


def result_for(target):
    examination = Options().examination(target)
    examination.prepare()
    return examination.run(all_checks()["DIS-DATA"])


@pytest.mark.parametrize(("framework", "name"), RIGHT if WHOLE else RIGHT[:2])
def test_right_networks_pass(framework, name):
    result = judged(framework, name)
    assert (result.outcome, result.message) == ("passed", "")


@pytest.mark.parametrize(("framework", "name", "words"), WRONG if WHOLE else WRONG[:1])
def test_networks_that_two_processes_train_otherwise_fail(framework, name, words):
    result = judged(framework, name)
    assert result.outcome == "failed", result.message
    assert re.search(words, result.message), result.message


def test_processes_that_wait_for_each_other_are_ended(monkeypatch):
    monkeypatch.setattr("resnet_verify.checks.parallel.AT_LEAST", 20.0)
    monkeypatch.setattr("resnet_verify.checks.parallel.TIMES", 0.0)
    result = judged("torch", "waiting")
    assert result.outcome == "failed"
    assert result.message == (
        "one process trains it, two do not: no answer within 20 s: "
        "the processes wait for each other"
    )
    assert multiprocessing.active_children() == []


def test_what_other_processes_cannot_load_is_not_judged():
    pytest.importorskip("torch")
    from tests.train.parallel_torch import right

    result = result_for(Target("a fixture's", right))
    assert (result.outcome, result.message) == (
        "not_run",
        "its factory exists in this process only; name the network as 'package.module:NAME' or "
        "'path/file.py:NAME', and other processes can load it",
    )


def test_processes_that_cannot_be_joined_say_nothing_of_the_target(monkeypatch):
    def refused(*_):
        raise parallel.CannotJoin("RuntimeError: no network")

    monkeypatch.setattr(parallel, "together", refused)
    result = judged("torch", "right")
    assert result.outcome == "not_run"
    assert result.message == "two processes cannot be joined here: RuntimeError: no network"


@pytest.mark.parametrize("framework", ["torch", "paddle"])
def test_norms_that_share_statistics_between_gpus_are_an_obstacle_on_a_cpu(framework):
    pytest.importorskip(framework)
    networks = import_module(f"tests.train.parallel_{framework}")
    backend = import_module(f"resnet_verify.adapters.{framework}_parallel")
    assert backend.obstacle(networks.right()) == ""
    assert "between GPUs only" in backend.obstacle(networks.shared_by_the_framework())


def test_mindspore_is_not_judged_and_says_why():
    pytest.importorskip("mindspore")
    result = result_for(load_target("resnet_ref.mindspore:resnet18"))
    assert result.outcome == "not_run"
    assert "how mindspore joins processes on a CPU is not known here" in result.message


def test_it_runs_on_demand_only():
    assert "DIS-DATA" not in {check.id for check in select_checks()}
    assert [check.id for check in select_checks(["DIS"])] == ["DIS-DATA"]
