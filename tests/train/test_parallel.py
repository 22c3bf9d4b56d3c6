"""The check of data parallelism: what two processes train otherwise than one fails."""

import re

import pytest

from resnet_verify.checks import all_checks
from resnet_verify.judge import Options
from resnet_verify.target import load_target


def judged(framework, name):
    pytest.importorskip(framework)
    target = load_target(f"tests/train/parallel_{framework}.py:{name}")
    return result_for(target)


def result_for(target):
    examination = Options().examination(target)
    examination.prepare()
    return examination.run(all_checks()["PAR-DATA"])


@pytest.mark.parametrize(
    ("framework", "name"), [("torch", "right"), ("torch", "shared_norms"), ("paddle", "right")]
)
def test_right_networks_pass(framework, name):
    result = judged(framework, name)
    assert (result.outcome, result.message) == ("passed", "")


OTHER_OUTPUT = r"the output in process 1 is not that of one process on the same images"


@pytest.mark.parametrize(
    ("framework", "name", "words"),
    [
        ("torch", "unused", r"auxiliary\.weight \(and 1 others\): trainable, but without"),
        ("torch", "by_rank", OTHER_OUTPUT),
        ("torch", "unregistered", OTHER_OUTPUT),
        ("torch", "thawed", r"stem.*: its gradient in process 0 is not the mean"),
        ("torch", "own_statistics", r"running|mean in process 1 is not what the images make"),
        ("torch", "hidden_statistics", r"in evaluation mode in process 1 afterwards is not"),
        ("torch", "shared_norms_without_their_gradient", r"gradient in process 0 is not the mean"),
        ("paddle", "by_rank", OTHER_OUTPUT),
        ("paddle", "left_out", OTHER_OUTPUT),
        ("paddle", "own_statistics", r"mean in process 1 is not what the images make"),
    ],
)
def test_networks_that_two_processes_train_otherwise_fail(framework, name, words):
    result = judged(framework, name)
    assert result.outcome == "failed", result.message
    assert re.search(words, result.message), result.message
