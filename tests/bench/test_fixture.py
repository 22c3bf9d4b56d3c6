"""`pytest --resnet-target T --benchmark-only` times the target, and pytest-benchmark keeps it."""

import json

import pytest

pytest.importorskip("onnxruntime")

pytest_plugins = ["pytester"]


def test_benchmark_only_times_the_target(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")
    # Where the tests run side by side; the session inside does not.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makepyfile(
        nets="""
        from resnet_ref.onnx import build
        from resnet_ref.spec import spec
        from resnet_verify.adapters.onnx_network import OnnxNetwork

        def small():
            return OnnxNetwork(build(spec("resnet20", num_classes=10)))
        """
    )
    words = ["--benchmark-only", "--benchmark-json=out.json", "--benchmark-max-time=0.1"]
    done = pytester.runpytest_subprocess("--resnet-target", "nets.py:small", *words)
    done.assert_outcomes(passed=1)
    report = json.loads((pytester.path / "out.json").read_text())
    (benchmark,) = report["benchmarks"]
    assert benchmark["fullname"] == "resnet::nets.py:small::throughput"
    extra = benchmark["extra_info"]
    assert extra["shape"] == [8, 3, 224, 224]
    assert extra["images_per_second"] == pytest.approx(8 / benchmark["stats"]["median"])
    assert extra["macs_per_second"] > extra["images_per_second"] * 1e8
