"""Each framework takes a step in each mode; what it cannot do is said."""

import pytest

from resnet_verify.bench.measure import Side, started
from resnet_verify.bench.workload import Unsupported, Workload


def workload(**words):
    return Workload(batch=2, size=32, **words)


@pytest.mark.parametrize(
    ("framework", "words"),
    [
        ("torch", {"mode": "training", "dtype": "bfloat16", "layout": "NHWC"}),
        ("paddle", {"mode": "training"}),
        ("paddle", {"engine": "engine", "dtype": "bfloat16"}),
        ("mindspore", {"mode": "training"}),
    ],
)
def test_a_step_is_taken(framework, words):
    pytest.importorskip(framework)
    side = Side(f"resnet_verify.bench.twin:{framework}?arch=resnet18", workload(**words))
    with started(side) as worker:
        assert worker.ready.framework.startswith(framework)
        assert worker.ready.engine == words.get("engine", "eager")
        sample = worker.sample(0, 2)
        assert 0 < sample.cpu
        assert sample.device is None
        assert sample.host_bytes > 2**20


@pytest.mark.parametrize(
    ("framework", "words", "message"),
    [
        ("torch", {"engine": "engine"}, "has eager, compiled"),
        ("torch", {"dtype": "tf32"}, "TF32 is a type of GPUs"),
        ("paddle", {"layout": "NHWC"}, "data_format='NHWC'"),
        ("paddle", {"dtype": "bfloat16"}, "with the engine 'engine' only"),
    ],
)
def test_what_a_framework_cannot_do_is_said(framework, words, message):
    pytest.importorskip(framework)
    from importlib import import_module

    backend = import_module(f"resnet_verify.bench.backends.{framework}")
    with pytest.raises(Unsupported, match=message):
        backend.prepare(None, workload(**words))
