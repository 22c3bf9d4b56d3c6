"""An examination: one target, what is known about it, and the checks run on it.

Everything that several checks need (captures, the nearest form, the twin, outputs) is found
out once, when first asked for. The target is left as it was found.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from resnet_ref.layers import BatchNorm
from resnet_ref.places import Key
from resnet_ref.spec import canonical_variant
from resnet_verify.adapters import Adapter, Capture, CaptureError, adapter_for, awake, registered
from resnet_verify.adapters.outputs import cause
from resnet_verify.checks import Check, NotApplicable, NotRun
from resnet_verify.compare import differences
from resnet_verify.difference import Difference
from resnet_verify.graph import Param
from resnet_verify.match import Match, paired
from resnet_verify.probe import (
    SMALL,
    SMALL_UNSTRIDED,
    Probe,
    Sized,
    candidate_shapes,
    evaluated,
    probe,
    takes,
)
from resnet_verify.recognise import found_head, recognise
from resnet_verify.target import Target, TargetError
from resnet_verify.transplant import Held, TransplantError, correspondence, twin_network
from resnet_verify.verdict import CheckResult, Diagnosis, Identity, ParameterTotals, Verdict

if TYPE_CHECKING:
    from resnet_verify.adapters import Array

T = TypeVar("T")


class Examination:
    """What is found out about one target; checks ask it and share its answers.

    Args:
        target: the network under test.
        arch: the architecture it must be; None takes the nearest documented one.
        variant: the variant it must be; None takes the nearest documented one.
        seed: of all random weights and images.
        device: "cpu", or "gpu" where the framework has one.
        tolerance: multiplies every bound of `resnet_verify.tolerance`.
        allow_head: heads ("softmax", "log_softmax") that are no mistake here.

    Raises:
        ValueError: `arch` or `variant` is not documented.
    """

    def __init__(
        self,
        target: Target,
        *,
        arch: str | None = None,
        variant: str | None = None,
        seed: int = 0,
        device: str = "cpu",
        tolerance: float = 1.0,
        allow_head: tuple[str, ...] = (),
    ) -> None:
        self.target = target
        self.arch = arch
        self.variant = variant
        if arch and variant:
            canonical_variant(arch, variant)
        self.seed = seed
        self.device = device
        self.tolerance = tolerance
        self.allow_head = allow_head
        self.dtype_as_made = ""  # what the factory gives; what is judged may be a wider copy
        self._answers: dict[str, Any] = {}

    # The target

    @cached_property
    def model(self) -> Any:
        """The network: the factory's product, made once."""
        with ExitStack() as stack:
            for awakened in awake():
                stack.enter_context(awakened.preserved())
                awakened.use_device(self.device)
            model = self.target.create()
            adapter = adapter_for(model)
            if adapter is None:
                kind = type(model)
                frameworks = dict.fromkeys(name.partition(".")[0] for name in registered())
                raise TargetError(
                    f"{self.target.name}: this is a {kind.__module__}.{kind.__qualname__}, "
                    f"not a network of a supported framework ({', '.join(frameworks)})"
                )
            try:
                self.dtype_as_made = adapter.dtype(model)
                return adapter.ready(model)
            except Exception as error:  # the target's code may raise anything
                raise TargetError(f"{self.target.name}: {cause(error)}") from error

    @cached_property
    def adapter(self) -> Adapter:
        """The adapter of the target's framework."""
        adapter = adapter_for(self.model)
        assert adapter is not None  # `model` has seen to it
        return adapter

    def prepare(self) -> None:
        """Make the network now.

        Raises:
            TargetError: the target does not give a network.
        """
        _ = self.adapter

    @property
    def framework(self) -> str:
        """Name of the target's framework."""
        return self.adapter.name

    @property
    def framework_version(self) -> str:
        """Version of the target's framework."""
        return self.adapter.version

    @property
    def modes(self) -> tuple[bool, ...]:
        """Whether to train, for each mode that the framework has: evaluation, then training."""
        return (False, True) if self.adapter.trains else (False,)

    # What it is

    @property
    def probe(self) -> Probe:
        """The images that it takes.

        Raises:
            NotRun: it cannot be captured.
        """
        if isinstance(self._probed, CaptureError):
            raise NotRun(f"the network cannot be captured: {self._probed}") from self._probed
        return self._probed

    @cached_property
    def _probed(self) -> Probe | CaptureError:
        """What comes of probing it, which is done once, as it may take long to fail."""
        try:
            return probe(self.adapter, self.model)
        except CaptureError as error:
            return error

    @cached_property
    def match(self) -> Match:
        """The network in training mode, held against the form nearest to it."""
        return recognise(self.probe.canonical, self.arch, self.variant, self.allow_head)

    @cached_property
    def evaluation_match(self) -> Match:
        """The network in evaluation mode, held against the same form."""
        return self.small_captures[0].match

    @cached_property
    def differences(self) -> list[Difference]:
        """Structural deviations, those of evaluation mode alone after the others."""
        in_training = differences(self.match)
        known = {(d.aspect, d.where, d.expected, d.found) for d in in_training}
        return in_training + [
            d
            for d in differences(self.evaluation_match)
            if (d.aspect, d.where, d.expected, d.found) not in known
        ]

    @property
    def is_far(self) -> bool:
        """Whether the network is no variation of any documented form."""
        return any(difference.aspect == "form" for difference in self.differences)

    @cached_property
    def meaning(self) -> str:
        """What the network is, where it is a documented form other than the one asked for."""
        if not (self.arch or self.variant):
            return ""
        free = recognise(self.probe.canonical)
        if free.alignment.cost > 0:
            return ""
        asked = " ".join(filter(None, (self.arch, self.variant)))
        return f"this is {free.form.spec.arch} {free.form.spec.variant}; you asked for {asked}"

    @cached_property
    def identity(self) -> Identity:
        """What the network is, by the form nearest to it."""
        spec = self.match.form.spec
        head = found_head(self.match.found)
        return Identity(
            arch=spec.arch,
            variant=spec.variant,
            num_classes=None if head == "none" else spec.num_classes,
            in_channels=spec.in_channels,
            stem=spec.stem,
            head=head,
            output_stride=spec.output_stride,
        )

    @cached_property
    def totals(self) -> ParameterTotals:
        """What is registered, each tensor once; running statistics are buffers."""
        params = self._registered
        statistics = self._running_statistics
        buffers = sum(prod(param.shape) for param in params if param.key in statistics)
        return ParameterTotals(sum(prod(param.shape) for param in params) - buffers, buffers)

    @cached_property
    def _registered(self) -> tuple[Param, ...]:
        """Parameters and buffers of the network as it came; a forward pass may add some."""
        return self.adapter.params(self.model)

    @cached_property
    def _running_statistics(self) -> set[str]:
        """Keys of the running statistics: by use, or by what training cannot move."""
        fixed = {param.key for param in self._registered if not param.trainable}
        try:
            graph = self.probe.canonical.graph
        except NotRun:
            return fixed
        in_use = {param.key for node in graph.nodes for param in graph.params_of(node)}
        norms = [node for node in graph.nodes if isinstance(node.op, BatchNorm)]
        by_use = {param.key for node in norms for param in graph.params_of(node)[:2]}
        return by_use | (fixed - in_use)

    # What it computes

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
            sizes = candidate_shapes(self.adapter, self.model)
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
            self.adapter.forward(self.model, self.batch(shape))

    def _run_backward(self, shape: tuple[int, ...]) -> None:
        try:
            output = self.main_output
        except NotRun:
            output = 0
        self.adapter.set_training(self.model, training=True)
        batch = self.batch(shape)
        outputs = self.adapter.forward(self.model, batch)
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
        keys = self.adapter.place_keys(reference)
        return {
            key: Held(params[keys[key]], held.shape, self.adapter.linear_out_first)
            for key, held in self.correspondence.items()
        }

    @cached_property
    def dtype(self) -> str:
        """The type that the target computes in."""
        return self.adapter.dtype(self.model)

    def give_weights(self, weights: Mapping[Key, Array]) -> None:
        """Put the same weights into the target and, where it exists, its twin."""
        self._dirty = True
        arrays = {
            held.param.key: held.stored(weights[key]) for key, held in self.correspondence.items()
        }
        self.adapter.write(self.model, self.probe.capture, arrays)
        twin_arrays = {
            held.param.key: held.stored(weights[key]) for key, held in self.twin_tensors.items()
        }
        self.adapter.write(self.twin, None, twin_arrays)

    def held_weights(self) -> tuple[dict[Key, Array], dict[Key, Array]]:
        """The target's and the twin's present weights, under the form's names."""
        return (
            self._canonical(self.model, self.probe.capture, self.correspondence),
            self._canonical(self.twin, None, self.twin_tensors),
        )

    def _canonical(
        self, network: Any, capture: Capture | None, tensors: Mapping[Key, Held]
    ) -> dict[Key, Array]:
        own = self.adapter.read(network, capture, [held.param.key for held in tensors.values()])
        return {key: held.canonical(own[held.param.key]) for key, held in tensors.items()}

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
    def small_captures(self) -> list[Sized]:
        """Captures in evaluation mode at small sizes; at the one size that fits where none does."""
        unstrided = self.match.form.spec.stem == "cifar"
        sizes = SMALL_UNSTRIDED if unstrided else SMALL
        shapes = [self.probe.shape(self.probe.batch_of(n), *image) for n, *image in sizes]
        tried = [takes(self.adapter, self.model, shape, self.match) for shape in shapes]
        found = [sized for sized in tried if sized is not None]
        if found:
            return found
        try:
            return [evaluated(self.adapter, self.model, self.probe.main_shape, self.match.form)]
        except CaptureError as error:
            raise NotRun(f"the network cannot be captured in evaluation mode: {error}") from error

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the batches that the numerical checks use."""
        return [sized.shape for sized in self.small_captures]

    def batch(self, shape: tuple[int, ...] | None = None, seed: int = 0) -> Array:
        """A deterministic batch of images."""
        from resnet_verify.strategies import random_batch

        return random_batch(shape or self.shapes[0], self.seed + seed, self.dtype)

    def once(self, name: str, find_out: Callable[[], T]) -> T:
        """The answer of `find_out`, found out at the first call and kept under `name`."""
        if name not in self._answers:
            self._answers[name] = find_out()
        answer: T = self._answers[name]
        return answer

    # Running checks

    _dirty = False

    @contextmanager
    def _left_as_found(self) -> Iterator[None]:
        """Weights, modes and global state are put back, whatever a check does."""
        adapter, model = self.adapter, self.model
        modes = adapter.modes(model)
        _ = self._registered
        with adapter.preserved(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            adapter.use_device(self.device)
            if self._is_borrowed:
                _ = self._original
            try:
                yield
            finally:
                if self._dirty and self._is_borrowed:
                    adapter.write(model, self._any_capture, self._original)
                self._dirty = False
                adapter.set_modes(model, modes)

    @cached_property
    def second_instance(self) -> Any:
        """What the target's factory gives when it is called again."""
        return self.adapter.ready(self.target.create())

    @cached_property
    def _is_borrowed(self) -> bool:
        """Whether the network is the user's own and not one made for this examination."""
        try:
            return self.second_instance is self.model
        except TargetError:  # a factory that works once
            return True

    @cached_property
    def _original(self) -> dict[str, Array]:
        keys = {param.key for param in self.adapter.params(self.model)}
        capture = self._any_capture
        if capture is not None:  # what is used, but not registered
            values = capture.graph.producers
            keys |= {param.key for value in values if (param := capture.graph.param(value))}
        return self.adapter.read(self.model, capture, sorted(keys))

    @property
    def _any_capture(self) -> Capture | None:
        try:
            return self.probe.capture
        except NotRun:
            return None

    def run(self, check: Check) -> CheckResult:
        """Run one check; whatever the target does, the answer is a result."""
        if check.training and not self.adapter.trains:
            why = "the network has no training mode"
            return CheckResult(check.id, "skipped", 0.0, why)
        start = time.perf_counter()
        diagnoses: tuple[Diagnosis, ...] = ()
        outcome, message = "passed", ""
        try:
            with self._left_as_found():
                diagnoses = tuple(check.function(self))
            if diagnoses:
                outcome, message = "failed", diagnoses[0].message
        except NotRun as reason:
            outcome, message = "not_run", str(reason)
        except NotApplicable as reason:
            outcome, message = "skipped", str(reason)
        except TargetError:
            raise
        except Exception as error:  # the target's code may raise anything
            outcome, message = "error", cause(error)
        seconds = time.perf_counter() - start
        return CheckResult(check.id, outcome, seconds, message, diagnoses=diagnoses)  # type: ignore[arg-type]

    def verdict(self, results: Sequence[CheckResult]) -> Verdict:
        """The verdict over the results of the checks that were run, in the order of the checks."""
        diagnoses = tuple(diagnosis for result in results for diagnosis in result.diagnoses)
        outcomes = {result.outcome for result in results}
        with self._left_as_found():
            identified = self._identity_if_any()
            totals, advice = self.totals, self._advice()
        if "failed" in outcomes:
            judgement = "defect"
        elif outcomes <= {"passed", "skipped"} and identified is not None:
            judgement = "conforming"
        else:
            judgement = "error"
        return Verdict(
            target=self.target.name,
            framework=self.framework,
            framework_version=self.framework_version,
            judgement=judgement,  # type: ignore[arg-type]
            identified=identified,
            params=totals,
            diagnoses=diagnoses,
            advice=advice,
            seconds=sum(result.seconds for result in results),
            checks=tuple(results),
        )

    def _identity_if_any(self) -> Identity | None:
        try:
            return None if self.is_far else self.identity
        except NotRun:
            return None

    def _advice(self) -> tuple[str, ...]:
        from resnet_verify.advice import advice

        try:
            return tuple(advice(self))
        except NotRun:
            return ()
