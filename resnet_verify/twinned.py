"""What a target computes, and the twin that must compute the same with the same weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from resnet_ref.places import Key
from resnet_verify.adapters import Capture
from resnet_verify.adapters.outputs import cause
from resnet_verify.checks import NotRun
from resnet_verify.graph import OUT_FIRST, Param
from resnet_verify.identified import Identified
from resnet_verify.match import paired
from resnet_verify.probe import shapes_to_try
from resnet_verify.transplant import (
    Held,
    TransplantError,
    canonical,
    correspondence,
    keys_of,
    stored,
    twin_network,
)

if TYPE_CHECKING:
    from resnet_verify.adapters import Array


class Twinned(Identified):
    """A target with its twin: batches and weights for both, and what they hold."""

    def forward_error(self) -> str:
        """What running the network as it is raises; empty where it runs at some size."""
        return self._first_error(self._run_forward)

    def backward_error(self) -> str:
        """What forward and backward pass in training mode raise; empty where both run."""
        return self._first_error(self._run_backward)

    def _first_error(self, run: Callable[[tuple[int, ...]], None]) -> str:
        try:
            sizes = self.shapes[:1]
        except NotRun:
            sizes = shapes_to_try(self.adapter, self.model)
        self._dirty = True  # training mode moves the running statistics
        first = ""
        for shape in sizes:
            try:
                run(shape)
            except Exception as error:  # the target's code may raise anything
                mode = "training" if any(self.adapter.modes(self.model)) else "evaluation"
                image = "x".join(map(str, shape))
                first = first or f"{cause(error)} for input {image} in {mode} mode"
            else:
                return ""
        return first

    def _run_forward(self, shape: tuple[int, ...]) -> None:
        for training in reversed(self.modes):
            self.adapter.set_training(self.model, training)
            self._put_out(self.batch(shape))

    def _put_out(self, batch: Array) -> tuple[Array, ...]:
        outputs = self.adapter.forward(self.model, batch)
        if not outputs:
            raise TypeError("what it returns holds no tensor")
        return outputs

    def _run_backward(self, shape: tuple[int, ...]) -> None:
        try:
            output = self.main_output
        except NotRun:
            output = 0
        self.adapter.set_training(self.model, training=True)
        batch = self.batch(shape)
        outputs = self._put_out(batch)
        self.adapter.step(self.model, batch, np.ones_like(outputs[output]), output)

    @cached_property
    def correspondence(self) -> dict[Key, Held]:
        """The target's tensors under the form's names.

        Raises:
            NotRun: they are not the form's.
        """
        try:
            return correspondence(self.match)
        except TransplantError as error:
            raise NotRun(f"there is no twin to compare with: {error}") from error

    def in_words(self, param: Param) -> str:
        """Where the form has a tensor; the target's own name where it has none."""
        with suppress(NotRun):
            for (where, role), held in self.correspondence.items():
                if param.key in held.keys:
                    return f"{where}, {role}"
        return param.name

    @cached_property
    def twin(self) -> Any:
        """The reference network of the same form, in the target's framework."""
        _ = self.correspondence
        return self.adapter.build(twin_network(self.match), self.dtype)

    @cached_property
    def twin_tensors(self) -> dict[Key, Held]:
        """The twin's tensors under the form's names."""
        return self.tensors_of(self.twin)

    def tensors_of(self, reference: Any) -> dict[Key, Held]:
        """The tensors of a reference network under the form's names."""
        params = {param.key: param for param in self.adapter.params(reference)}
        names = self.adapter.place_keys(reference)
        linear = OUT_FIRST if self.adapter.linear_out_first else ()
        return {
            key: Held((params[names[key]],), held.shape, linear if len(held.shape) == 2 else ())
            for key, held in self.correspondence.items()
        }

    @cached_property
    def dtype(self) -> str:
        """The type that the target computes in."""
        return self.adapter.dtype(self.model)

    def give_weights(self, weights: Mapping[Key, Array]) -> None:
        """Put the same weights into the target and its twin."""
        self.give_target(weights)
        self.adapter.write(self.twin, None, stored(self.twin_tensors, weights))

    def give_target(self, weights: Mapping[Key, Array]) -> None:
        """Put weights into the target alone, for checks that need no twin."""
        self._dirty = True
        own = stored(self.correspondence, weights)
        self.adapter.write(self.model, self.probe.capture, own)

    def held_statistics(self) -> tuple[dict[Key, Array], dict[Key, Array]]:
        """The target's and the twin's present running statistics, under the form's names."""
        own, twins = (
            {key: each for key, each in held.items() if key[1] in ("mean", "variance")}
            for held in (self.correspondence, self.twin_tensors)
        )
        return (
            self._canonical(self.model, self.probe.capture, own),
            self._canonical(self.twin, None, twins),
        )

    def held_weights(self) -> tuple[dict[Key, Array], dict[Key, Array]]:
        """The target's and the twin's present weights, under the form's names."""
        return (
            self._canonical(self.model, self.probe.capture, self.correspondence),
            self._canonical(self.twin, None, self.twin_tensors),
        )

    def _canonical(
        self, network: Any, capture: Capture | None, tensors: Mapping[Key, Held]
    ) -> dict[Key, Array]:
        return canonical(tensors, self.adapter.read(network, capture, keys_of(tensors)))

    def statistics_share(self, where: str) -> tuple[float, float]:
        """The share of the way to the batch statistics that target and twin go at a step."""
        nodes = {place.where: node for node, place in paired(self.match)}
        place = next(place for place in self.match.form.places if place.where == where)
        return 1 - nodes[where].op.momentum, 1 - place.op.momentum  # type: ignore[attr-defined]

    @cached_property
    def main_output(self) -> int:
        """Which of the outputs, flattened, holds the logits or the last feature map."""
        found = self.match.found
        return found.graph.outputs.index(found.main)

    def for_twin(self, batch: Array) -> Array:
        """A batch of the target's in the order of axes that the twin takes: (N, C, H, W)."""
        return np.ascontiguousarray(np.moveaxis(batch, 3, 1)) if self.probe.channels_last else batch

    def drawn_weights(self, seed: int) -> dict[Key, Array]:
        """Random weights for every tensor of the form, in the common layout."""
        from resnet_verify.strategies import random_weights

        shapes = {key: held.shape for key, held in self.correspondence.items()}
        return self.once(f"weights {seed}", lambda: random_weights(shapes, seed))

    @cached_property
    def runnable_shape(self) -> tuple[int, ...]:
        """A shape that the network runs on, where it cannot be captured.

        Raises:
            NotRun: there is none.
        """
        self._dirty = True
        self.adapter.set_training(self.model, training=False)
        for shape in shapes_to_try(self.adapter, self.model):
            try:
                self._put_out(self.batch(shape))
            except Exception:  # the target's code may raise anything; STR-FORWARD tells
                continue
            return shape
        raise NotRun("the network does not run")

    def batch(self, shape: tuple[int, ...] | None = None, seed: int = 0) -> Array:
        """A deterministic batch of images."""
        from resnet_verify.strategies import random_batch

        return random_batch(shape or self.shapes[0], self.seed + seed, self.dtype)
