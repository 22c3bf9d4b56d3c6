"""Runs a Paddle network and the oracle on the same tensors, and measures how far apart they are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import paddle

from resnet_ref import ResNetSpec, oracle
from resnet_ref import paddle as reference
from resnet_ref.layers import BatchNorm, Layer
from resnet_ref.layout import Block, Network


@dataclass(frozen=True)
class Outcome:
    output: np.ndarray
    statistics: Mapping[tuple[str, str], np.ndarray]
    input_gradient: np.ndarray
    gradients: Mapping[tuple[str, str], np.ndarray]


def as_stored(network: Network) -> Network:
    """`network` with momentum and eps as Paddle's kernels hold them: float32 in any dtype."""

    def path(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        return tuple(
            replace(
                layer,
                momentum=float(np.float32(layer.momentum)),
                eps=float(np.float32(layer.eps)),
            )
            if isinstance(layer, BatchNorm)
            else layer
            for layer in layers
        )

    stages = tuple(
        tuple(replace(b, **{name: path(layers) for name, layers in b.paths()}) for b in stage)
        for stage in network.stages
    )
    return Network(path(network.stem), stages, path(network.head))


def run_oracle(network: Network | Block, tensors, x, cotangent, *, training: bool) -> Outcome:
    done = oracle.run(network, tensors, x, training=training)
    input_gradient, gradients = done.pull(cotangent(done.output.shape))
    statistics = {k: v for k, v in tensors.items() if k[1] in ("mean", "variance")}
    return Outcome(done.output, statistics | done.statistics, input_gradient, gradients)


def run_paddle(network: Network | Block, tensors, x, cotangent, *, training: bool) -> Outcome:
    """In Paddle's default dtype, on tensors and input that are rounded to it."""
    if isinstance(network, Block):
        built = reference.build_block(network)
    else:
        built = reference.build(network)
    named = dict(reference.named_tensors(built))
    assert list(named) == list(tensors)
    dtype = paddle.get_default_dtype()
    for key, tensor in named.items():
        tensor.set_value(tensors[key].astype(dtype))
    built.train() if training else built.eval()
    image = paddle.to_tensor(x.astype(dtype), stop_gradient=False)
    output = built(image)
    weights = paddle.to_tensor(cotangent(tuple(output.shape)).astype(dtype))
    (output * weights).sum().backward()
    buffers = {k: t.numpy() for k, t in named.items() if k[1] in ("mean", "variance")}
    gradients = {k: t.grad.numpy() for k, t in named.items() if k not in buffers}
    return Outcome(output.numpy(), buffers, image.grad.numpy(), gradients)


def cotangent(shape: tuple[int, ...]) -> np.ndarray:
    """What the gradients are pulled back from: fixed, and nowhere near zero in norm."""
    return np.random.default_rng(7).normal(size=shape)


def distances(found: Outcome, expected: Outcome) -> dict[str, float]:
    """||found - expected|| / ||expected||, the largest of each kind.

    The bias of a convolution before a norm has gradient zero, of which only rounding is left:
    it is measured against the gradient of that convolution's weight.
    """
    assert found.gradients.keys() == expected.gradients.keys()
    grads = expected.gradients
    return {
        "output": distance(found.output, expected.output),
        "statistics": max(
            (distance(found.statistics[k], v) for k, v in expected.statistics.items()), default=0.0
        ),
        "input gradient": distance(found.input_gradient, expected.input_gradient),
        "gradients": max(
            distance(
                found.gradients[where, role], grad, grads[where, role.replace("bias", "weight")]
            )
            for (where, role), grad in grads.items()
        ),
    }


def distance(found: np.ndarray, expected: np.ndarray, like: np.ndarray | float = 0.0) -> float:
    """||found - expected|| over the larger of ||expected|| and ||like||; 0 for equals."""
    assert found.shape == expected.shape
    apart = np.linalg.norm(found - expected)
    return float(apart and apart / max(np.linalg.norm(expected), np.linalg.norm(like)))


def image(form: ResNetSpec, size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(2, form.in_channels, *size))


def measure(
    network: Network, x: np.ndarray, *, training: bool, against: Network | None = None
) -> dict[str, float]:
    """How far `network` in Paddle is from the oracle's (or `against` there) on random tensors."""
    tensors = oracle.random_tensors(network, np.random.default_rng(3))
    found = run_paddle(network, tensors, x, cotangent, training=training)
    stored = as_stored(against or network)
    return distances(found, run_oracle(stored, tensors, x, cotangent, training=training))
