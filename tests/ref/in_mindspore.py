"""MindSpore behind `tests.ref.parity.Framework`."""

import mindspore
import numpy as np
from mindspore import nn

from resnet_ref import mindspore as reference
from resnet_ref.layout import Block
from tests.ref.parity import Outcome, is_statistic


class MindSpore:
    reference = reference
    precision = "float32"
    unbiased = True
    float32_attributes = True

    def seed(self, seed):
        mindspore.set_seed(seed)

    def build(self, network, dtype):
        assert dtype == self.precision
        build = reference.build_block if isinstance(network, Block) else reference.build
        return build(network)

    def undrawn(self):
        return nn.no_init_parameters()

    def write(self, built, tensors):
        for key, tensor in reference.named_tensors(built):
            tensor.set_data(self._tensor(_turned(tensors[key])))

    def read(self, built):
        named = reference.named_tensors(built)
        return {key: _turned(tensor.asnumpy()) for key, tensor in named}

    def registered(self, built):
        return [(each.size, each.requires_grad) for each in built.get_parameters()]

    def step(self, built, x, along, *, training):
        built.set_train(training)
        named = dict(reference.named_tensors(built))
        trained = {key: each for key, each in named.items() if not is_statistic(key)}
        pull = mindspore.value_and_grad(
            self._loss(built, along), 0, [*trained.values()] or None, has_aux=True
        )
        (_, output), gradients = pull(self._tensor(x))
        by_input, by_weights = gradients if trained else (gradients, ())
        return Outcome(
            output.asnumpy(),
            {key: each.asnumpy() for key, each in named.items() if is_statistic(key)},
            by_input.asnumpy(),
            {k: _turned(g.asnumpy()) for k, g in zip(trained, by_weights, strict=True)},
        )

    def descend(self, built, x, along, descent):
        built.set_train(True)
        weights = built.trainable_params()
        # In a group of its own a weight decays whatever its name is, the weights of norms too.
        optimiser = nn.Momentum(
            [{"params": weights, "weight_decay": descent.decay}], descent.rate, descent.momentum
        )
        pull = mindspore.value_and_grad(self._loss(built, along), None, weights, has_aux=True)
        for _ in range(descent.steps):
            _, gradients = pull(self._tensor(x))
            optimiser(gradients)

    def _loss(self, built, along):
        weights = self._tensor(along)

        def loss(x):
            output = built(x)
            return (output * weights).sum(), output

        return loss

    def _tensor(self, array):
        return mindspore.Tensor(np.ascontiguousarray(array, np.float32))


def _turned(array):
    """The weights of linear layers, which MindSpore keeps as (out, in)."""
    return array.T if array.ndim == 2 else array


FRAMEWORK = MindSpore()
