"""Networks as PyTorch exports them: with norms and without, at every opset, trained or not."""

import io
import warnings
from importlib.util import find_spec
from inspect import signature

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

import onnx
import torch

from resnet_ref import layout, spec
from resnet_ref import torch as reference
from resnet_verify.checks import select_checks
from resnet_verify.examine import Examination
from resnet_verify.folding import Folding
from resnet_verify.target import Target
from tests.catalogue_torch.correct_table import CORRECT

IMAGE = (1, 3, 64, 64)
# The exporter that takes over from opset 18 on needs a package of its own.
EXPORTERS = ["script", *(["dynamo"] if find_spec("onnxscript") else [])]


def exported(network, opset=17, exporter="script", shape=IMAGE, **options):
    """The ONNX model of a network in evaluation mode; sizes are fixed unless asked otherwise."""
    network.eval()
    if "dynamo" in signature(torch.onnx.export).parameters:
        options["dynamo"] = exporter == "dynamo"
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecated parts of itself
        made = torch.onnx.export(
            network, (torch.randn(shape),), target, opset_version=opset, **options
        )
    return made.model_proto if exporter == "dynamo" else onnx.load_from_string(target.getvalue())


def with_norms():
    """Options that keep the exporter from folding."""
    return {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}


def randomised(network):
    """The network as if it were trained: no tensor at its initial value."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point() and tensor.dim() < 2:
                positive = name.endswith(("running_var", "weight"))
                drawn = torch.rand(tensor.shape, generator=generator)
                tensor.copy_(drawn + 0.5 if positive else drawn - 0.5)
    return network


def judge(model, *families):
    examination = Examination(Target("exported.onnx", lambda: model))
    results = [examination.run(check) for check in select_checks(families)]
    assert [result.message for result in results if result.outcome == "error"] == []
    return examination.verdict(results)


def conforms(model, *families):
    verdict = judge(model, *families)
    assert [diagnosis.message for diagnosis in verdict.diagnoses] == []
    assert verdict.judgement == "conforming"
    return verdict


@pytest.mark.parametrize("opset", range(9, 21))
def test_every_opset(opset):
    network = randomised(reference.build(spec("resnet20", "cifar-b")))
    verdict = conforms(exported(network, opset))
    assert verdict.identified.variant == "cifar-b"
    assert verdict.advice[0].startswith("21 batch norms are folded into the convolutions")


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize(
    ("arch", "variant"), [("resnet18", "v1"), ("resnet50", "vd"), ("resnet50", "v2")]
)
def test_folded_forms(exporter, trained, arch, variant):
    """A network that was never trained has equal tensors everywhere, which are stored once."""
    network = reference.build(spec(arch, variant))
    model = exported(randomised(network) if trained else network, 18, exporter)
    verdict = conforms(model, "STR", "PAR", "NUM-EVAL")
    assert (verdict.identified.arch, verdict.identified.variant) == (arch, variant)
    assert "are folded into the convolutions" in verdict.advice[0]


@pytest.mark.parametrize("trained", [True, False])
def test_norms_that_are_kept(trained):
    network = reference.build(spec("resnet18", "se"))
    model = exported(randomised(network) if trained else network, **with_norms())
    verdict = conforms(model, "STR", "PAR", "NUM-EVAL")
    assert verdict.identified.variant == "se"
    assert verdict.advice == ()


def test_sizes_that_are_left_open():
    axes = {"dynamic_axes": {"image": {0: "n", 2: "h", 3: "w"}}, "input_names": ["image"]}
    model = exported(randomised(reference.build(spec("resnet18", "vd"))), **axes)
    conforms(model, "STR", "PAR", "NUM-EVAL", "NUM-BATCH")


STYLES = {entry.id: entry for entry in CORRECT}


@pytest.mark.parametrize(
    "name",
    ["functional-resnet34", "explicit-padding", "padded-pool", "sum-pool", "einsum-head",
     "conv-head", "maximum-with-zero", "cifar-resnet20-a", "zeros-around", "timm-seresnet18",
     "preact-resnet18", "stage-dict", "half"],
)  # fmt: skip
def test_styles_of_writing(name):
    entry = STYLES[name]
    network = entry.factory()
    shape = (1, *entry.input_shape[1:])
    verdict = conforms(exported(network.float(), shape=shape), "STR", "PAR", "NUM-EVAL")
    found = verdict.identified
    assert (found.arch, found.variant, found.stem) == (entry.arch, entry.variant, entry.stem)
    assert (found.head, found.num_classes) == (entry.head, entry.num_classes)


def test_a_network_that_can_train_is_not_taken_for_folded():
    """In PyTorch its norms are missing, in ONNX they are folded."""
    network = reference.build(Folding().of(layout(spec("resnet20"))))
    verdict = judge(network, "STR")
    assert verdict.judgement == "defect"
    assert verdict.diagnoses[0].check == "STR-NORM"
    assert not any("folded" in advice for advice in verdict.advice)
    assert "are folded" in conforms(exported(network), "STR").advice[0]
