"""The plugin and the command line on real Paddle networks, from end to end."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("paddle")

TARGET = "paddle.vision.models:resnet18"


@pytest.fixture
def project(pytester):
    pytester.makepyfile(
        broken="""
        import paddle

        def no_last_relu():
            model = paddle.vision.models.resnet18()
            last = model.layer4[1]
            last.forward = lambda x: last.bn2(
                last.conv2(last.relu(last.bn1(last.conv1(x))))
            ) + x
            return model
        """
    )
    return pytester


def test_a_network_of_paddle_conforms(project):
    result = project.runpytest("--resnet-target", TARGET, "--resnet-json", "out.json")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            f"conforming   {TARGET}",
            "  form       resnet18 v1, imagenet stem, head: classifier of 1000 classes*",
            "  parameters 11,689,512 trainable + 9,600 running statistics = 11,699,112",
        ]
    )
    entry = json.loads((project.path / "out.json").read_text())["targets"][0]
    outcomes = {check["id"]: check["outcome"] for check in entry["checks"]}
    assert outcomes.pop("NUM-MIXED") == "skipped"  # Paddle on CPU has no mixed precision
    assert set(outcomes.values()) == {"passed"}
    assert entry["framework"] == "paddle"


def test_the_command_line_names_the_mistake(project):
    command = [sys.executable, "-m", "resnet_verify.cli", "check", "broken.py:no_last_relu"]
    done = subprocess.run(command, cwd=project.path, capture_output=True, text=True)
    assert done.returncode == 1
    verdict, cause = done.stdout.splitlines()[:2]
    assert verdict == "defect       broken.py:no_last_relu"
    assert "stage 4, block 1" in cause
    assert done.stderr == "resnet-verify: judging broken.py:no_last_relu\n"


def test_twin_batch_and_throughput(project):
    project.makepyfile(
        """
        import numpy as np
        import paddle
        import pytest

        @pytest.fixture(scope="module")
        def resnet_target():
            paddle.seed(3)
            model = paddle.vision.models.resnet18(num_classes=10)
            model.eval()
            return lambda: model

        def test_the_twin_computes_the_same(resnet_target, resnet_twin, resnet_batch):
            model = resnet_target()
            resnet_twin.eval()
            ours, theirs = model(resnet_batch).numpy(), resnet_twin(resnet_batch).numpy()
            assert ours.shape == (len(resnet_batch), 10)
            assert np.abs(ours).max() > 0
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)

        def test_throughput(resnet_throughput, benchmark):
            assert resnet_throughput(batch_size=2, size=32) > 0
            assert benchmark.extra_info["images_per_second"] > 0
            assert benchmark.extra_info["macs_per_second"] > 0
            assert benchmark.extra_info["cpu_seconds"] > 0
            assert len(benchmark.extra_info["fingerprint"]) == 16
        """
    )
    project.runpytest("--benchmark-max-time=0.1").assert_outcomes(passed=2)
