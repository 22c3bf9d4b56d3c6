"""What a target is: its network, captured and held against the form nearest to it.

Everything is found out once, when first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from math import prod
from typing import Any, TypeVar

from resnet_ref.layers import BatchNorm
from resnet_ref.variants import canonical_variant
from resnet_verify.adapters import Adapter, CaptureError, adapter_for, awake, registered
from resnet_verify.adapters.outputs import cause
from resnet_verify.checks import NotRun
from resnet_verify.compare import differences
from resnet_verify.difference import Difference
from resnet_verify.graph import Param
from resnet_verify.match import Match
from resnet_verify.probe import SMALL, SMALL_UNSTRIDED, Probe, Sized, evaluated, probe, takes
from resnet_verify.recognise import found_head, recognise
from resnet_verify.target import Target, TargetError
from resnet_verify.verdict import Identity, ParameterTotals

T = TypeVar("T")


class Identified:
    """What is found out of a target without a twin: what it is, and what images it takes.

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
        self._dirty = False  # whether weights or statistics were moved
        self._failed = False  # whether a check has

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
            _told_with_mode(d) if self.adapter.trains else d
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
        params = self.registered
        statistics = self.running_statistics
        buffers = sum(prod(param.shape) for param in params if param.key in statistics)
        return ParameterTotals(sum(prod(param.shape) for param in params) - buffers, buffers)

    @cached_property
    def registered(self) -> tuple[Param, ...]:
        """Parameters and buffers of the network as it came; a forward pass may add some."""
        return self.adapter.params(self.model)

    @cached_property
    def running_statistics(self) -> set[str]:
        """Keys of the running statistics: by use, or by what training cannot move."""
        fixed = {param.key for param in self.registered if not param.trainable}
        try:
            graph = self.probe.canonical.graph
        except NotRun:
            return fixed
        in_use = {param.key for node in graph.nodes for param in graph.params_of(node)}
        norms = [node for node in graph.nodes if isinstance(node.op, BatchNorm)]
        read = [value for node in norms for value in node.inputs[1:3]]
        by_use = {param.key for value in read for param in graph.parts(value)}
        return by_use | (fixed - in_use)

    @cached_property
    def small_captures(self) -> list[Sized]:
        """Captures in evaluation mode at small sizes; at the one size that fits where none does."""
        if found := self._small_captures_like(self.match):
            return found
        try:
            whole = evaluated(self.adapter, self.model, self.probe.main_shape, self.match.form)
        except CaptureError as error:
            raise NotRun(f"the network cannot be captured in evaluation mode: {error}") from error
        # A network that does something else in evaluation mode may do so at small sizes, too.
        return self._small_captures_like(whole.match) or [whole]

    def _small_captures_like(self, match: Match) -> list[Sized]:
        sizes = SMALL_UNSTRIDED if match.form.spec.stem == "cifar" else SMALL
        shapes = [self.probe.shape(self.probe.batch_of(n), *image) for n, *image in sizes]
        tried = [takes(self.adapter, self.model, shape, match) for shape in shapes]
        return [sized for sized in tried if sized is not None]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the batches that the numerical checks use."""
        return [sized.shape for sized in self.small_captures]

    def once(self, name: str, find_out: Callable[[], T]) -> T:
        """The answer of `find_out`, found out at the first call and kept under `name`."""
        if name not in self._answers:
            self._answers[name] = find_out()
        answer: T = self._answers[name]
        return answer


def _told_with_mode(difference: Difference) -> Difference:
    """A difference that only evaluation mode has, whose message says so."""
    if "in evaluation" in difference.message:
        return difference
    return replace(difference, message=f"{difference.message} (in evaluation mode only)")
