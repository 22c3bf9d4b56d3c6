"""What the reference of every framework has to keep, as tests; subclasses name the framework."""

import math
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from resnet_ref import layout, oracle, spec
from resnet_ref.layers import AvgPool, BatchNorm, Conv, GlobalAvgPool, Linear, SqueezeExcite
from resnet_ref.layout import Network, single_block
from resnet_ref.places import places, slots
from tests.ref import forms, parity
from tests.ref.parity import Descent, Framework
from tests.ref.sequences import SEQUENCES, sequence
from tests.ref.tables import TOTALS, specs_of

PLAIN = single_block(spec("resnet18", "v2"), 16, 16)
BLOCKS = {
    "projection": single_block(spec("resnet50", "v1.5"), 16, 32, stride=2),
    "projection behind an activation": single_block(spec("resnet18", "v2"), 16, 32, stride=2),
    "identity around an activation": replace(PLAIN, pre=PLAIN.branch[:2], branch=PLAIN.branch[2:]),
}


class NetworkContract:
    """Its layers, totals, initialisation and factories."""

    framework: ClassVar[Framework]

    def built(self, network):
        return self.framework.build(network, "float32")

    @pytest.mark.parametrize("name", list(forms.VARIANTS)[::2])
    def test_places_are_those_of_the_layout(self, name):
        network = layout(forms.small(forms.VARIANTS[name]))
        built = self.built(network)
        named = list(built.named_places())
        assert [(where, described) for where, described, _ in named] == list(places(network))
        expected = [(where, slot) for where, layer in places(network) for slot in slots(layer)]
        shapes = {key: array.shape for key, array in self.framework.read(built).items()}
        assert shapes == {(where, slot.role): slot.shape for where, slot in expected}
        sizes = sorted((math.prod(slot.shape), slot.trainable) for _, slot in expected)
        assert sorted(self.framework.registered(built)) == sizes

    def test_every_tensor_is_one_of_its_own(self):
        network = layout(forms.small(spec("resnet50", "se")))
        tensors = oracle.random_tensors(network, np.random.default_rng(0))
        built = self.built(network)
        self.framework.write(built, tensors)
        for key, array in self.framework.read(built).items():
            np.testing.assert_array_equal(array, tensors[key].astype("float32"), str(key))

    @pytest.mark.parametrize(("form", "depth", "trainable", "total"), TOTALS)
    def test_parameter_totals(self, form, depth, trainable, total):
        with self.framework.undrawn():
            built = self.framework.reference.build(specs_of(form, depth)[0])
        sizes = self.framework.registered(built)
        assert sum(size for size, _ in sizes) == total
        assert sum(size for size, is_trained in sizes if is_trained) == trainable

    def test_initialisation_is_the_documented_one(self):
        network = layout(replace(forms.small(spec("resnet18", "d2l")), num_classes=500))
        self.framework.seed(0)
        arrays = self.framework.read(self.built(network))
        for where, layer in places(network):
            held = {slot.role: arrays[where, slot.role] for slot in slots(layer)}
            if isinstance(layer, Conv):
                deviation = math.sqrt(2 / (layer.out_channels * math.prod(layer.kernel)))
            elif isinstance(layer, Linear):
                deviation = 0.01
            elif isinstance(layer, BatchNorm):
                assert (held["weight"] == 1).all(), where
                assert (held["variance"] == 1).all(), where
                assert not held["mean"].any(), where
            if isinstance(layer, Conv | Linear):
                n = held["weight"].size
                drawn = pytest.approx(deviation, rel=4 / math.sqrt(2 * n))  # four deviations of it
                assert np.std(held["weight"]) == drawn, where
                assert abs(np.mean(held["weight"])) < 4 * deviation / math.sqrt(n), where
            assert not held.get("bias", np.zeros(1)).any(), where

    @pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
    def test_factories_take_the_form_by_keyword(self, depth, monkeypatch):
        reference, asked = self.framework.reference, []
        monkeypatch.setattr(reference, "build", asked.append)
        form = {"variant": "vd", "num_classes": 7, "in_channels": 1, "stem": "cifar",
                "head": "none", "output_stride": 8}  # fmt: skip
        factory = getattr(reference, f"resnet{depth}")
        factory(**form)
        factory()
        assert asked == [spec(f"resnet{depth}", **form), spec(f"resnet{depth}")]

    def test_a_spec_is_built_as_its_layout(self):
        form = forms.small(spec("resnet50", "vd"))
        built = self.framework.reference.build(form)
        assert built.description == layout(form)

    @pytest.mark.parametrize(("arch", "name"), [("resnet18", "Basic"), ("resnet50", "Bottleneck")])
    def test_blocks_bear_their_names(self, arch, name):
        block = self.framework.reference.build_block(single_block(spec(arch), 16, 32))
        assert type(block).__name__ == f"{name}Block"

    @pytest.mark.parametrize(
        ("form", "message"),
        [
            ({"variant": "v3"}, "unknown variant 'v3'"),
            ({"head": "hat"}, "unknown head 'hat'"),
            ({"stem": "leaf"}, "unknown stem 'leaf'"),
            ({"output_stride": 64}, "unknown output stride 64; known: 32, 16, 8"),
            ({"in_channels": 0}, "counted from 1, not 0"),
        ],
    )
    def test_an_unknown_form_is_an_error(self, form, message):
        with pytest.raises(ValueError, match=message):
            self.framework.reference.resnet50(**form)

    def test_other_than_zero_padding_is_an_error(self):
        network = Network((Conv(3, 4, (3, 3), padding=(1, 1, 1, 1), pad_mode="reflect"),), (), ())
        with pytest.raises(ValueError, match="'reflect'"):
            self.framework.reference.build(network)


class ParityContract:
    """Against the oracle, in the widest type that the framework has."""

    framework: ClassVar[Framework]

    @pytest.mark.parametrize("name", SEQUENCES)
    def test_every_layer(self, name, training):
        network, x = sequence(name)
        apart = parity.measure(self.framework, network, x, training=training)
        bound = 1e-10 if self.framework.precision == "float64" else 4e-6
        shares = any(isinstance(e, AvgPool | GlobalAvgPool | SqueezeExcite) for e in network.stem)
        if shares and self.framework.float32_attributes:
            bound = max(bound, 2**-24)
        assert max(apart.values()) < bound, apart

    @pytest.mark.parametrize("name", BLOCKS)
    def test_a_block_alone(self, name, training):
        block = BLOCKS[name]
        x = np.random.default_rng(2).normal(size=(2, 16, 9, 7))
        apart = parity.measure(self.framework, block, x, training=training)
        bound = 1e-10 if self.framework.precision == "float64" else 4e-6
        assert max(apart.values()) < bound, apart


class Float64Contract(ParityContract):
    """Against the oracle, in float64."""

    @pytest.mark.parametrize("name", forms.VARIANTS)
    def test_every_form(self, name, training):
        form = forms.small(forms.VARIANTS[name])
        apart = parity.measure(self.framework, layout(form), forms.image(form), training=training)
        assert max(apart.values()) < 1e-10, apart

    @pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
    def test_full_size(self, arch, training):
        form = spec(arch)
        x = forms.image(form, (61, 125))
        apart = parity.measure(self.framework, layout(form), x, training=training)
        assert max(apart.values()) < 1e-10, apart

    @pytest.mark.parametrize(("arch", "variant"), [("resnet18", "d2l"), ("resnet50", "vd")])
    def test_steps_of_an_optimiser(self, arch, variant):
        """SGD with momentum and weight decay."""
        form = forms.small(spec(arch, variant))
        apart, _ = parity.measure_descent(
            self.framework, layout(form), forms.images(form, 1), Descent()
        )
        assert max(apart.values()) < 1e-10, apart

    @pytest.mark.parametrize(
        ("change", "least"), [({"strided_conv": 0}, 1e-2), ({"eps": 1.001e-5}, 1e-9)]
    )
    def test_a_difference_is_measured(self, change, least, training):
        """The measure itself: what these tests must not miss is above their bounds."""
        form = forms.small(spec("resnet50", "v1.5"))
        network, other = layout(form), layout(replace(form, **change))
        x = forms.image(form)
        apart = parity.measure(self.framework, network, x, training=training, against=other)
        assert min(apart["output"], apart["input gradient"], apart["gradients"]) > least, apart


class Float32Contract(ParityContract):
    """Against the oracle, in float32."""

    @pytest.mark.parametrize("variant", ["cifar-a", "cifar-b"])
    def test_steps_of_an_optimiser_in_float32(self, variant):
        form = forms.small(spec("resnet20", variant))
        apart, own = parity.measure_descent(
            self.framework, layout(form), forms.images(form, 4), Descent()
        )
        for kind, distance in apart.items():
            assert distance < 4 * (own[kind] + 2**-22), (kind, apart, own)

    @pytest.mark.parametrize("name", list(forms.VARIANTS)[::3])
    def test_forms_in_float32(self, name, training):
        """Rounding does to the framework no more than some times what it does to the oracle."""
        form = forms.small(forms.VARIANTS[name])
        apart, own = parity.measure_rounding(
            self.framework, layout(form), forms.images(form, 4), training=training
        )
        for kind, distance in apart.items():
            assert distance < 4 * (own[kind] + 2**-22), (kind, apart, own)
