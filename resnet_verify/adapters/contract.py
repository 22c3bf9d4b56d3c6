"""What every adapter has to do, as tests: subclass `AdapterContract` in a test file of your own.

    from resnet_verify.adapters.contract import AdapterContract
    from mypackage.adapter import ADAPTER

    class TestContract(AdapterContract):
        adapter = ADAPTER

The networks are those that the adapter itself builds, so nothing else has to be written.
"""

from __future__ import annotations

import random
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from resnet_ref.layout import Network, layout
from resnet_ref.places import Key
from resnet_ref.spec import spec
from resnet_verify.adapters import Adapter, CaptureError, adapter_for
from resnet_verify.graph import OUT_FIRST
from resnet_verify.match import Match, in_canonical_order, misread
from resnet_verify.normalise import normalise
from resnet_verify.recognise import recognise
from resnet_verify.strategies import random_batch, random_weights
from resnet_verify.tolerance import bound, gap
from resnet_verify.transplant import Held, correspondence, stored

if TYPE_CHECKING:
    from pathlib import Path

    from resnet_verify.adapters import Array, Capture

SHAPE = (2, 3, 32, 32)
"""(batch, channels, height, width), for networks whose stem does not stride."""


def small(dropout: float = 0.0) -> Network:
    """The layout of a network that is quick to run: CIFAR's ResNet-20 with projections."""
    from dataclasses import replace

    return layout(replace(spec("resnet20", "cifar-b"), dropout=dropout))


class AdapterContract:
    """One test for each promise of `resnet_verify.adapters.Adapter`."""

    adapter: ClassVar[Adapter]

    @pytest.fixture
    def model(self) -> Any:
        """A reference network with random weights."""
        with self.adapter.preserved():
            model = self.adapter.ready(self.adapter.build(small(), "float32"))
        self.fill(model, seed=0)
        return model

    @pytest.fixture
    def batch(self) -> Array:
        """Images of standard normal noise."""
        return random_batch(SHAPE, 0, "float32")

    def held(self, model: Any) -> dict[Key, Held]:
        """The tensors of a reference network under the form's names, in the common layout."""
        match = self.match(self.adapter.capture(model, SHAPE, training=False))
        return correspondence(match)

    def match(self, capture: Capture) -> Match:
        """A capture held against the nearest documented form."""
        return recognise(in_canonical_order(normalise(capture.graph)))

    def fill(self, model: Any, seed: int) -> None:
        """Give a network random weights."""
        held = self.held(model)
        weights = random_weights({key: each.shape for key, each in held.items()}, seed)
        self.adapter.write(model, None, stored(held, weights))

    def test_it_owns_its_networks_and_nothing_else(self, model: Any) -> None:
        """`adapter_for` finds it."""
        assert self.adapter.owns(model)
        assert not self.adapter.owns(object())
        assert adapter_for(model) is self.adapter

    def test_a_network_on_the_right_device_is_ready_as_it_is(self, model: Any) -> None:
        """`ready` gives back the network itself."""
        assert self.adapter.ready(model) is model

    def test_a_capture_is_recognised(self, model: Any) -> None:
        """In every mode the operators are those of the form, wired as there."""
        for training in (False, True) if self.adapter.trains else (False,):
            match = self.match(self.adapter.capture(model, SHAPE, training))
            assert (match.form.spec.arch, match.form.spec.variant) == ("resnet20", "cifar-b")
            assert match.alignment.cost == 0
            assert misread(match) == []
            assert match.found.graph.training == training

    def test_every_parameter_is_used_and_named_once(self, model: Any) -> None:
        """Keys are unique, and a capture uses the keys of `params`."""
        params = self.adapter.params(model)
        keys = [param.key for param in params]
        assert len(keys) == len(set(keys))
        held = self.held(model).values()
        assert {key for each in held for key in each.keys} == set(keys)
        expected = sum(prod(each.shape) for each in held)
        assert sum(prod(param.shape) for param in params) == expected

    def test_place_keys_name_the_tensors_that_the_capture_finds(self, model: Any) -> None:
        """The adapter's own table and the alignment agree, layout included."""
        keys = self.adapter.place_keys(model)
        for key, held in self.held(model).items():
            assert held.keys == (keys[key],)
            if len(held.shape) == 2:
                assert held.order == (OUT_FIRST if self.adapter.linear_out_first else ())

    def test_what_is_written_is_read(self, model: Any) -> None:
        """`write` and `read` are inverse, to the last bit."""
        params = self.adapter.params(model)
        arrays = {param.key: random_batch(param.shape, 3, "float32") for param in params}
        self.adapter.write(model, None, arrays)
        found = self.adapter.read(model, None, list(arrays))
        assert all(np.array_equal(found[key], array) for key, array in arrays.items())

    def test_capturing_changes_nothing(self, model: Any, batch: Array) -> None:
        """Weights, running statistics and generators are as before."""
        keys = [param.key for param in self.adapter.params(model)]
        before = self.adapter.read(model, None, keys)
        for training in (False, True) if self.adapter.trains else (False,):
            self.adapter.capture(model, SHAPE, training)
        evaluating = self.adapter.capture(model, SHAPE, training=False)
        evaluating.run(batch, [evaluating.graph.outputs[0]])
        after = self.adapter.read(model, None, keys)
        assert all(np.array_equal(before[key], after[key]) for key in keys)

    def test_a_capture_runs_on_the_present_weights(self, model: Any, batch: Array) -> None:
        """Its main output is the network's own, after the weights have changed, too."""
        capture = self.adapter.capture(model, SHAPE, training=False)
        self.adapter.set_training(model, False)
        for seed in (1, 2):
            self.fill(model, seed)
            (inside,) = capture.run(batch, [capture.graph.outputs[0]])
            assert inside is not None
            distance = gap(inside, self.adapter.forward(model, batch)[0])
            assert not distance.exceeds(bound("float32", "evaluation"))

    def test_a_shape_that_does_not_fit_is_a_capture_error(self, model: Any) -> None:
        """And no other exception."""
        with pytest.raises(CaptureError):
            self.adapter.capture(model, (2, 3, 32), training=False)

    def test_forward_keeps_its_input_and_repeats(self, model: Any, batch: Array) -> None:
        """In evaluation mode the same input gives the same output, and is left alone."""
        self.adapter.set_training(model, False)
        first, again = self.adapter.forward(model, batch), self.adapter.forward(model, batch)
        assert first[0].shape == (2, 10)
        assert np.array_equal(first[0], again[0])
        assert self.adapter.keeps_input(model, batch)

    def test_gradients_are_slopes(self, model: Any, batch: Array) -> None:
        """A small step along the gradients changes the loss by their squared length."""
        if not self.adapter.trains:
            return
        self.adapter.set_training(model, False)
        cotangent = random_batch((2, 10), 1, "float32")
        step = self.adapter.step(model, batch, cotangent, 0)
        assert step.input_gradient is not None
        gradients = {key: array for key, array in step.gradients.items() if array is not None}
        assert len(gradients) == sum(param.trainable for param in self.adapter.params(model))
        length = sum(float((array.astype(np.float64) ** 2).sum()) for array in gradients.values())
        length += float((step.input_gradient.astype(np.float64) ** 2).sum())
        size, held = 1e-3 / length**0.5, self.adapter.read(model, None, list(gradients))
        losses = []
        for sign in (1, -1):
            moved = {key: held[key] + sign * size * array for key, array in gradients.items()}
            self.adapter.write(model, None, moved)
            image = batch + np.float32(sign * size) * step.input_gradient
            losses.append(float((self.adapter.forward(model, image)[0] * cotangent).sum()))
        assert (losses[0] - losses[1]) / (2 * size) == pytest.approx(length, rel=0.1)

    def test_training_moves_the_running_statistics(self, model: Any, batch: Array) -> None:
        """A forward pass in training mode moves them, one in evaluation mode does not."""
        statistics = [
            k for key, held in self.held(model).items() if key[1] == "mean" for k in held.keys
        ]
        for training in (False, True) if self.adapter.trains else (False,):
            before = self.adapter.read(model, None, statistics)
            self.adapter.set_training(model, training)
            self.adapter.forward(model, batch)
            after = self.adapter.read(model, None, statistics)
            moved = [not np.array_equal(before[key], after[key]) for key in statistics]
            assert all(moved) if training else not any(moved)

    def test_optimisers_go_down(self, model: Any, batch: Array) -> None:
        """Small steps by either optimiser make the loss smaller; a framework may have none."""
        self.adapter.set_training(model, training=True)
        pull = np.ones((len(batch), 10), np.float32)
        for method, steps in (("sgd", [[batch]] * 3), ("adam", [[batch, batch]] * 2)):
            try:
                seen = self.adapter.descend(model, steps, pull, 0, method, 1e-5)
            except NotImplementedError:
                return
            assert len(seen) == sum(map(len, steps))
            assert float(seen[-1].sum()) < float(seen[0].sum())

    def test_gradients_of_several_batches_add_up(self, model: Any, batch: Array) -> None:
        """A step with an earlier batch gives the sum of the gradients of both."""
        if not self.adapter.trains:
            return
        self.adapter.set_training(model, False)
        pull, other = np.ones((len(batch), 10), np.float32), random_batch(SHAPE, 1, "float32")
        one, two = (self.adapter.step(model, each, pull, 0) for each in (batch, other))
        both = self.adapter.step(model, other, pull, 0, earlier=[batch])
        for key, gradient in both.gradients.items():
            if gradient is not None:
                sums = np.add(one.gradients[key], two.gradients[key])  # type: ignore[arg-type]
                assert not gap(gradient, sums).exceeds(bound("float32", "evaluation"))

    def test_a_batch_may_lie_otherwise_in_memory(self, model: Any, batch: Array) -> None:
        """The tensors of `layouts` hold the batch, and give its output."""
        self.adapter.set_training(model, False)
        (first,) = self.adapter.forward(model, batch)
        for images in self.adapter.layouts(batch).values():
            (output,) = self.adapter.forward(model, images)
            assert not gap(output, first).exceeds(bound("float32", "evaluation"))

    def test_copies_are_independent(self, model: Any, batch: Array) -> None:
        """A copy gives the same output, and keeps to it when the original gets other weights."""
        self.adapter.set_training(model, False)
        (first,) = self.adapter.forward(model, batch)
        copies = [make(model) for make in self.adapter.copies().values()]
        self.fill(model, seed=1)
        assert copies == [] or not np.allclose(self.adapter.forward(model, batch)[0], first)
        for copy in copies:
            assert np.allclose(self.adapter.forward(copy, batch)[0], first, rtol=1e-4)

    def test_mixed_precision_is_near(self, model: Any, batch: Array) -> None:
        """It changes the output, by less than half; outside it is as before."""
        self.adapter.set_training(model, False)
        (first,) = self.adapter.forward(model, batch)
        for entered in self.adapter.mixed().values():
            with entered():
                (output,) = self.adapter.forward(model, batch)
            assert 0 < gap(output, first).norm < 0.5
        assert np.array_equal(self.adapter.forward(model, batch)[0], first)

    def test_modes_are_put_back(self, model: Any) -> None:
        """`set_modes` undoes `set_training`."""
        self.adapter.set_training(model, False)
        modes = self.adapter.modes(model)
        if self.adapter.trains:
            self.adapter.set_training(model, True)
            assert self.adapter.modes(model) != modes
        self.adapter.set_modes(model, modes)
        assert self.adapter.modes(model) == modes

    def test_global_state_is_preserved(self) -> None:
        """Python's and NumPy's generators are as they were."""

        def state() -> tuple[Any, ...]:
            return random.getstate(), str(np.random.get_state())

        before = state()
        with self.adapter.preserved():
            self.adapter.seed(11)
            self.adapter.use_device("cpu")
            random.random()
            np.random.rand()
        assert state() == before

    def test_dropout_repeats_after_seeding(self, batch: Array) -> None:
        """Two networks that are seeded alike drop the same elements."""
        if not self.adapter.trains:
            return
        outputs = []
        for _ in range(2):
            with self.adapter.preserved():
                model = self.adapter.build(small(dropout=0.5), "float32")
                self.fill(model, seed=0)
                self.adapter.set_training(model, True)
                self.adapter.seed(5)
                outputs.append(self.adapter.forward(model, batch)[0])
        assert np.array_equal(outputs[0], outputs[1])

    def test_a_saved_state_can_be_loaded(self, model: Any, batch: Array) -> None:
        """`state` and `load_state` carry everything that counts."""
        with self.adapter.preserved():
            second = self.adapter.build(small(), "float32")
        self.adapter.load_state(second, self.adapter.state(model))
        for network in (model, second):
            self.adapter.set_training(network, False)
        outputs = [self.adapter.forward(network, batch)[0] for network in (model, second)]
        assert np.array_equal(outputs[0], outputs[1])

    def test_a_file_of_weights_holds_the_state(self, model: Any, tmp_path: Path) -> None:
        """`write_weights` and `read_weights` are inverse."""
        path = tmp_path / f"weights{self.adapter.weights_suffix}"
        self.adapter.write_weights(model, path)
        found, state = self.adapter.read_weights(path), self.adapter.state(model)
        assert found.keys() == state.keys()
        assert all(np.array_equal(found[name], array) for name, array in state.items())

    def test_a_damaged_file_of_weights_is_a_value_error(self, model: Any, tmp_path: Path) -> None:
        """Truncated, foreign and empty files are told apart from weights."""
        path = tmp_path / f"weights{self.adapter.weights_suffix}"
        self.adapter.write_weights(model, path)
        whole = path.read_bytes()
        for content in (whole[: len(whole) // 2], b"no weights", b""):
            path.write_bytes(content)
            with pytest.raises(ValueError, match=r"\w"):
                self.adapter.read_weights(path)

    def test_it_says_why_there_is_no_gpu(self) -> None:
        """The reason is a sentence, or empty where there is one."""
        assert isinstance(self.adapter.gpu_problem(), str)
