"""The Paddle reference against the oracle: outputs, gradients, running statistics."""

import math
from dataclasses import replace

import paddle
import pytest

from resnet_ref import layout, spec
from resnet_ref.derive import table
from resnet_ref.layers import Conv
from tests.ref import forms, parity

# Paddle says so at every training step.
pytestmark = pytest.mark.filterwarnings("ignore:When training, we now always track:UserWarning")


@pytest.fixture(params=[True, False], ids=["training", "evaluation"])
def training(request) -> bool:
    return request.param


@pytest.fixture
def float64():
    before = paddle.get_default_dtype()
    paddle.set_default_dtype("float64")
    yield
    paddle.set_default_dtype(before)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", forms.VARIANTS)
def test_every_form_in_float64(name, training):
    form = forms.small(forms.VARIANTS[name])
    x = parity.image(form, forms.image_size(form))
    apart = parity.measure(layout(form), x, training=training)
    assert max(apart.values()) < 1e-10, apart


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
def test_full_size_in_float64(arch, training):
    form = spec(arch)
    apart = parity.measure(layout(form), parity.image(form, (61, 125)), training=training)
    assert max(apart.values()) < 1e-10, apart


@pytest.mark.parametrize("name", list(forms.VARIANTS)[::3])
def test_forms_in_float32(name, training):
    """Outputs and statistics; gradients have no bound, since rounding takes ReLUs across zero.

    A sum of K products rounds by 2**-24 sqrt(K) of itself when the errors are independent, and
    the errors of L convolutions add up as sqrt(L). Batch statistics amplify them: a channel's
    deviation may be several times less than the values that it is computed from.
    """
    form = forms.small(forms.VARIANTS[name])
    x = parity.image(form, forms.image_size(form))
    convs = [row.layer for row in table(form, x.shape).rows if isinstance(row.layer, Conv)]
    terms = max(conv.in_channels // conv.groups * math.prod(conv.kernel) for conv in convs)
    bound = 2**-24 * math.sqrt(terms * len(convs)) * (4 if training else 1)
    apart = parity.measure(layout(form), x, training=training)
    assert apart["output"] < bound, apart
    assert apart["statistics"] < bound, apart


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("change", "least"), [({"strided_conv": 0}, 1e-2), ({"eps": 1.001e-5}, 1e-9)]
)
def test_a_difference_is_measured(change, least, training):
    """The measure itself: what these tests must not miss is above their bounds."""
    form = forms.small(spec("resnet50", "v1.5"))
    x = parity.image(form, forms.image_size(form))
    other = layout(replace(form, **change))
    apart = parity.measure(layout(form), x, training=training, against=other)
    assert min(apart["output"], apart["input gradient"], apart["gradients"]) > least, apart
