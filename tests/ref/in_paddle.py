"""Paddle behind `tests.ref.parity.Framework`."""

import math

import paddle

from resnet_ref import paddle as reference
from resnet_ref.layout import Block
from tests.ref.parity import Outcome, is_statistic


class Paddle:
    reference = reference
    precision = "float64"
    unbiased = False
    float32_attributes = True

    def seed(self, seed):
        paddle.seed(seed)

    def build(self, network, dtype):
        before = paddle.get_default_dtype()
        paddle.set_default_dtype(dtype)
        try:
            build = reference.build_block if isinstance(network, Block) else reference.build
            return build(network)
        finally:
            paddle.set_default_dtype(before)

    def undrawn(self):
        return paddle.LazyGuard()

    def write(self, built, tensors):
        for key, tensor in reference.named_tensors(built):
            tensor.set_value(tensors[key].astype(self._dtype(built)))

    def read(self, built):
        return {key: tensor.numpy() for key, tensor in reference.named_tensors(built)}

    def registered(self, built):
        return [(math.prod(each.shape), not each.stop_gradient) for each in built.parameters()]

    def step(self, built, x, along, *, training):
        image = paddle.to_tensor(x.astype(self._dtype(built)), stop_gradient=False)
        output = self._backward(built, image, along, training)
        named = dict(reference.named_tensors(built))
        statistics = {k: tensor.numpy() for k, tensor in named.items() if is_statistic(k)}
        gradients = {k: t.grad.numpy() for k, t in named.items() if not is_statistic(k)}
        return Outcome(output.numpy(), statistics, image.grad.numpy(), gradients)

    def descend(self, built, x, along, descent):
        optimiser = paddle.optimizer.Momentum(
            descent.rate, descent.momentum, built.parameters(), weight_decay=descent.decay
        )
        image = paddle.to_tensor(x.astype(self._dtype(built)))
        for _ in range(descent.steps):
            self._backward(built, image, along, training=True)
            optimiser.step()
            optimiser.clear_grad()

    def _backward(self, built, image, along, training):
        built.train() if training else built.eval()
        output = built(image)
        (output * paddle.to_tensor(along.astype(self._dtype(built)))).sum().backward()
        return output

    def _dtype(self, built):
        dtypes = [str(parameter.dtype).rpartition(".")[2] for parameter in built.parameters()]
        return dtypes[0] if dtypes else "float64"


FRAMEWORK = Paddle()
