"""The export to paddle.inference computes what the network computes."""

import numpy as np
import pytest

paddle = pytest.importorskip("paddle")

from resnet_ref.paddle import build  # noqa: E402
from resnet_ref.paddle_inference import predictor  # noqa: E402
from resnet_ref.spec import spec  # noqa: E402

SHAPE = (2, 3, 64, 64)


@pytest.mark.parametrize(
    ("arch", "bfloat16", "bound"),
    [("resnet18", False, 1e-5), ("resnet18", True, 3e-2), ("resnet20", False, 1e-5)],
)
def test_the_exported_network_computes_the_same(tmp_path, arch, bfloat16, bound):
    paddle.seed(0)
    network = build(spec(arch, num_classes=10))
    network.train()
    batch = paddle.to_tensor(np.random.default_rng(0).standard_normal(SHAPE, np.float32))
    engine = predictor(network, tmp_path, SHAPE, bfloat16=bfloat16)
    assert all(layer.training for layer in network.sublayers(include_self=True))
    network.eval()
    with paddle.no_grad():
        expected = network(batch).numpy()
    (found,) = (output.numpy() for output in engine.run([batch]))
    gap = np.linalg.norm(found.astype(np.float64) - expected) / np.linalg.norm(expected)
    assert gap < bound
    assert (gap > 1e-4) == bfloat16  # the option takes effect
