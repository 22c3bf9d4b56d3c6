"""ONNX networks: right ones conform in whatever way they are written, broken ones are named."""

import hashlib
import json
import re
import subprocess
import sys
from itertools import count

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from resnet_ref import onnx as reference
from resnet_ref import spec
from resnet_verify.adapters.onnx import ADAPTER
from resnet_verify.adapters.onnx_network import OnnxNetwork, load
from resnet_verify.adapters.onnx_runtime import OnnxRuntimeError
from resnet_verify.checks import select_checks
from resnet_verify.cli import run
from resnet_verify.compare import differences
from resnet_verify.examine import Examination
from resnet_verify.folding import Folding
from resnet_verify.form import form_of
from resnet_verify.match import in_canonical_order, match_with
from resnet_verify.normalise import normalise
from resnet_verify.target import Target, TargetError, load_target
from tests.ref import forms
from tests.verify.onnx_broken import BROKEN
from tests.verify.onnx_edits import (
    add_tensor,
    fold,
    node_of,
    redirect,
    set_tensor,
    tensor_of,
    write_norms_out,
)

SMALL = spec("resnet20")


def judge(model, *families, **options):
    """The verdict on a model, or on what a factory makes."""
    factory = model if callable(model) else lambda: model
    examination = Examination(Target("network.onnx", factory), **options)
    results = [examination.run(check) for check in select_checks(families)]
    assert [r.message for r in results if r.outcome == "error"] == []
    return examination.verdict(results)


def conforms(model, *families, **options):
    """The verdict, which has to be a good one."""
    verdict = judge(model, *families, **options)
    assert [diagnosis.message for diagnosis in verdict.diagnoses] == []
    assert verdict.judgement == "conforming"
    return verdict


def outcomes(verdict):
    return {check.id: check.outcome for check in verdict.checks}


# Broken networks


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_network_is_caught_and_its_mistake_named_first(name):
    broken = BROKEN[name]
    model = reference.build(spec(broken.arch))
    broken.edit(model)
    onnx.checker.check_model(model)
    verdict = judge(model, "STR", "PAR")
    assert verdict.judgement == "defect"
    first = verdict.diagnoses[0]
    assert first.check == broken.check
    assert re.search(broken.words, first.message)


# Right networks


@pytest.mark.parametrize(
    ("arch", "variant"),
    [("resnet20", None), ("resnet20", "cifar-b"), ("resnet18", "vd"), ("resnet18", "se")],
)
def test_a_reference_conforms(arch, variant):
    wanted = spec(arch, variant, num_classes=7)
    verdict = conforms(reference.build(wanted))
    found = verdict.identified
    assert (found.arch, found.variant, found.num_classes) == (arch, wanted.variant, 7)
    assert verdict.framework == "onnx"
    assert verdict.advice == ()
    skipped = [check for check, outcome in outcomes(verdict).items() if outcome == "skipped"]
    assert skipped == ["STR-MOMENTUM", "STR-DETACHED", "STR-FROZEN", "INI-WEIGHTS", "NUM-LAYOUT",
                       "NUM-TRAIN", "NUM-STATISTICS", "NUM-GRADIENT", "NUM-TRAJECTORY",
                       "NUM-MIXED", "NUM-COPY"]  # fmt: skip


@pytest.mark.parametrize("opset", range(9, 21))
def test_every_opset_from_9_to_20(opset):
    """The operators of resnet18 mean the same in all of them."""
    model = reference.build(spec("resnet18"))
    model.opset_import[0].version = opset
    found = conforms(model, "STR", "PAR").identified
    assert (found.arch, found.variant, found.num_classes) == ("resnet18", "v1", 1000)


@pytest.mark.parametrize("variant", ["v1", "v1.5", "vd", "v2", "se"])
def test_folded_norms_are_named_as_such(variant):
    wanted = spec("resnet50", variant)
    model = reference.build(wanted)
    norms = sum(node.op_type == "BatchNormalization" for node in model.graph.node)
    fold(model)
    left = sum(node.op_type == "BatchNormalization" for node in model.graph.node)
    verdict = conforms(model, "STR", "PAR")
    assert (verdict.identified.arch, verdict.identified.variant) == ("resnet50", variant)
    assert verdict.advice[0].startswith(f"{norms - left} batch norms are folded into the convol")


@pytest.mark.parametrize("name", forms.VARIANTS)
def test_every_form_is_folded_as_exporters_do_it(name):
    """Each norm whose convolution nobody else reads, and no other."""
    form = forms.small(forms.VARIANTS[name])
    model = reference.build(form)
    fold(model)
    shape = (2, 3, *forms.image_size(form))
    graph = ADAPTER.capture(OnnxNetwork(model), shape, training=False).graph
    match = match_with(in_canonical_order(normalise(graph)), form_of(form, folding=Folding()))
    assert differences(match) == []
    assert len(match.found.nodes) == len(match.form.places)


def test_a_network_may_be_folded_in_part():
    model = reference.build(spec("resnet18"))
    kept = {"stage 3, block 0, branch, conv 0", "stem, conv 0"}
    fold(model, kept)
    verdict = conforms(model)
    assert verdict.advice[0].startswith("18 batch norms are folded")


def test_a_folded_network_is_judged_by_its_numbers_too():
    model = reference.build(spec("resnet18"))
    fold(model)
    verdict = conforms(model)
    assert outcomes(verdict)["NUM-EVAL"] == "passed"
    assert (verdict.params.trainable, verdict.params.buffers) == (11_684_712, 0)
    assert verdict.advice == (
        "20 batch norms are folded into the convolutions: structure, numbers and parameters are "
        "judged without them; with them there would be 11,689,512 trainable + 9,600 running "
        "statistics",
    )


def test_folding_leaves_no_bias_where_it_is_zero():
    """As PyTorch exports a network that has never been trained."""
    model = reference.build(SMALL)
    fold(model)
    for node in model.graph.node:
        if node.op_type == "Conv":
            assert not numpy_helper.to_array(tensor_of(model, node.input[2])).any()
            model.graph.initializer.remove(tensor_of(model, node.input[2]))
            del node.input[2]
    assert conforms(model).advice[0].startswith("19 batch norms are folded")


def test_norms_written_out_are_norms():
    model = reference.build(spec("resnet20", "cifar-b"))
    write_norms_out(model)
    verdict = conforms(model)
    assert (verdict.params.trainable, verdict.params.buffers) == (272_474, 1_568)
    assert verdict.advice[0].startswith("21 batch norms are written out as arithmetic")


def test_transposed_weights_are_read_and_written():
    """A weight that goes through an operator first, and one that is a constant operator."""
    model = reference.build(SMALL)
    weight = numpy_helper.to_array(tensor_of(model, "head, linear 0, weight"))
    set_tensor(model, "head, linear 0, weight", np.ascontiguousarray(weight.T))
    turned = helper.make_node("Transpose", ["head, linear 0, weight"], ["turned"], perm=[1, 0])
    node_of(model, "head, linear 0").input[1] = "turned"
    bias = tensor_of(model, "head, linear 0, bias")
    constant = helper.make_node("Constant", [], ["written"], value=bias)
    node_of(model, "head, linear 0").input[2] = "written"
    model.graph.initializer.remove(bias)
    model.graph.node.insert(0, constant)
    model.graph.node.insert(0, turned)
    conforms(model)


def test_numbers_stored_once_are_shared_by_nobody():
    """Exporters store equal tensors once: the scales of all norms of a fresh network, say."""
    model = reference.build(SMALL)
    ones = add_tensor(model, "ones", np.ones(16, np.float32))
    for tensor in list(model.graph.initializer):
        if list(tensor.dims) == [16] and tensor.name.endswith(("weight", "variance")):
            redirect(model, tensor.name, ones)
            model.graph.initializer.remove(tensor)
    conforms(model)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE])
def test_other_precisions_are_judged_in_float32(kind):
    model = reference.build(SMALL)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor).astype(helper.tensor_dtype_to_np_dtype(kind))
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = kind
    conforms(model)
    onnx.checker.check_model(OnnxNetwork(model).model(), full_check=True)


def fix_sizes(model, *sizes):
    dims = model.graph.input[0].type.tensor_type.shape.dim
    for axis, size in zip(dims, sizes, strict=True):
        axis.dim_value = size


def bake_the_batch(model, batch):
    """Flatten to a number of images that is written down, as tracing exporters do."""
    flatten = node_of(model, "head, flatten 0")
    flatten.op_type = "Reshape"
    del flatten.attribute[:]
    flatten.input.append(add_tensor(model, "baked", np.array([batch, -1])))


def test_a_declared_size_leaves_the_others_open():
    model = reference.build(SMALL)
    fix_sizes(model, 1, 3, 40, 24)
    examination = Examination(Target("fixed.onnx", lambda: model))
    assert examination.probe.main_shape == (2, 3, 40, 24)
    assert examination.shapes == [(2, 3, 32, 32), (3, 3, 25, 18)]


def test_a_batch_of_one_built_in_is_all_that_is_judged():
    model = reference.build(SMALL)
    fix_sizes(model, 1, 3, 32, 32)
    bake_the_batch(model, 1)
    verdict = conforms(model)
    assert outcomes(verdict)["NUM-BATCH"] == "skipped"
    assert outcomes(verdict)["NUM-EVAL"] == "passed"
    assert verdict.advice == (
        "a batch size is built into the network: it takes one image at a time",
    )


def test_a_size_built_in_is_found_though_nobody_would_try_it():
    model = reference.build(SMALL)
    fix_sizes(model, 1, 3, 48, 40)
    bake_the_batch(model, 1)
    pool = node_of(model, "head, global pool 0")
    pool.op_type = "AveragePool"
    pool.attribute.append(helper.make_attribute("kernel_shape", [12, 10]))
    verdict = conforms(model)
    assert verdict.advice[0].endswith("of those tried it takes input of 1x3x48x40 only")


def test_channels_last():
    model = reference.build(SMALL)
    first = helper.make_node("Transpose", ["image"], ["channels first"], perm=[0, 3, 1, 2])
    redirect(model, "image", "channels first")
    model.graph.node.insert(0, first)
    conforms(model)


# The model itself


def test_the_model_of_the_user_is_left_alone():
    model = reference.build(SMALL)
    before = model.SerializeToString()
    conforms(model)
    assert model.SerializeToString() == before


def test_weights_make_the_round_trip(tmp_path):
    network = ADAPTER.ready(reference.build(SMALL))
    numbers = count()
    arrays = {name: np.full_like(a, next(numbers)) for name, a in network.weights.items()}
    ADAPTER.load_state(network, arrays)
    ADAPTER.write_weights(network, tmp_path / "written.onnx")
    found = ADAPTER.read_weights(tmp_path / "written.onnx")
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    onnx.checker.check_model(str(tmp_path / "written.onnx"))
    image = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32)
    again = ADAPTER.forward(OnnxNetwork(load(tmp_path / "written.onnx")), image)
    assert np.array_equal(again[0], ADAPTER.forward(network, image)[0], equal_nan=True)


# Files


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "network.onnx"
    onnx.save(reference.build(SMALL), path)
    return path


def test_a_file_is_read_anew_each_time(file):
    target = load_target(str(file))
    first, second = target.create(), target.create()
    assert isinstance(first, onnx.ModelProto)
    assert first is not second
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    conforms(target.create)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before


def test_weights_may_lie_beside_the_file(tmp_path):
    path = tmp_path / "network.onnx"
    model = reference.build(SMALL)
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    assert path.stat().st_size < 100_000
    conforms(load_target(str(path)).create, "STR", "PAR")
    (tmp_path / "weights").unlink()
    with pytest.raises(TargetError, match="its weights cannot be read"):
        load_target(str(path)).create()


def test_weights_elsewhere_are_not_read(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(4096))
    (tmp_path / "here").mkdir()
    path = tmp_path / "here" / "network.onnx"
    model = reference.build(SMALL)
    tensor = tensor_of(model, "head, linear 0, weight")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    path.write_bytes(model.SerializeToString())
    with pytest.raises(TargetError, match="its weights cannot be read"):
        load_target(str(path)).create()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda whole: whole[: len(whole) // 2], "it is no ONNX file, or truncated"),
        (lambda whole: b"\x89PNG\r\n\x1a\n" + bytes(64), "it is no "),
        (lambda whole: b"", "it is no valid ONNX model"),
        (lambda whole: whole.replace(b"Relu", b"Rely"), "it is no valid ONNX model"),
    ],
    ids=["truncated", "foreign", "empty", "invalid"],
)
def test_a_file_that_is_no_network_is_one_message(file, capsys, content, message):
    file.write_bytes(content(file.read_bytes()))
    assert run(["check", str(file)]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(said) == 1
    assert said[0].startswith(f"resnet-verify: error: {file}: {message}")


def test_weights_cut_short_are_said(tmp_path):
    path = tmp_path / "network.onnx"
    model = reference.build(SMALL)
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    whole = (tmp_path / "weights").read_bytes()
    (tmp_path / "weights").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TargetError, match="weights cannot be read"):
        load_target(str(path)).create()


def test_an_opset_that_is_not_known_is_said(file, capsys):
    model = onnx.load(file)
    model.opset_import[0].version = 999
    file.write_bytes(model.SerializeToString())
    assert run(["check", str(file)]) == 2
    said = capsys.readouterr().err
    assert "Opset 999 is under development" in said
    assert "/onnxruntime_src" not in said


def test_images_are_floating_point_numbers(file, capsys):
    model = onnx.load(file)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    redirect(model, reference.IMAGE, "float image")
    cast = helper.make_node("Cast", [reference.IMAGE], ["float image"], to=TensorProto.FLOAT)
    model.graph.node.insert(0, cast)
    onnx.save(model, file)
    assert run(["check", str(file)]) == 2
    assert "images are floating-point numbers; the input is uint8" in capsys.readouterr().err


@pytest.mark.skipif(ADAPTER.gpu_problem() == "", reason="there is a GPU")
def test_the_cpu_never_stands_in_for_a_gpu():
    with pytest.raises(OnnxRuntimeError, match="without CUDA"):
        OnnxNetwork(reference.build(SMALL)).start("gpu")


@pytest.mark.parametrize("count", [0, 2])
def test_a_network_takes_one_batch_of_images(file, count, capsys):
    model = onnx.load(file)
    image = model.graph.input.pop()
    for index in range(count):
        model.graph.input.append(helper.make_tensor_value_info(f"{index}", 1, [None] * 4))
    redirect(model, image.name, "0")
    if not count:
        constant = helper.make_node("ConstantOfShape", ["sizes"], ["0"])
        add_tensor(model, "sizes", np.array([1, 3, 32, 32]))
        model.graph.node.insert(0, constant)
    onnx.save(model, file)
    assert run(["check", str(file)]) == 2
    assert "a network takes one batch of images" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_what_is_not_installed_is_said_with_the_remedy(file, missing):
    code = f"import sys; sys.modules[{missing!r}] = None; from resnet_verify.cli import run; " \
        f"sys.exit(run(['check', {str(file)!r}, '--no-isolate']))"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    (said,) = [line for line in done.stderr.splitlines() if "error" in line]
    assert "judging ONNX files takes onnx and onnxruntime" in said
    assert said.endswith("pip install 'resnet-verify[onnx]'")


def test_the_command_line_identifies_a_bare_file(file, capsys):
    assert run(["identify", str(file)]) == 0
    said = capsys.readouterr().out
    assert "resnet20 cifar-a, cifar stem, head: classifier of 10 classes, 3 input channels" in said


def test_the_command_line_writes_a_report(file, tmp_path):
    assert run(["check", str(file), "--json", str(tmp_path / "report.json")]) == 0
    (target,) = json.loads((tmp_path / "report.json").read_text())["targets"]
    assert (target["framework"], target["verdict"]) == ("onnx", "conforming")


def test_a_file_becomes_a_suite(pytester, file):
    result = pytester.runpytest_subprocess("--resnet-target", str(file), "-p", "no:cacheprovider")
    result.assert_outcomes(passed=37, skipped=11)


def test_a_file_for_the_fixture(pytester, file):
    pytester.makepyfile(f"""
        import pytest

        @pytest.fixture
        def resnet_target():
            return {str(file)!r}

        @pytest.mark.resnet(select="STR-STRIDE")
        def test_conforms(resnet_check):
            resnet_check()

        def test_twin(resnet_twin, resnet_batch):
            assert resnet_batch.shape == (2, 3, 32, 32)
            assert resnet_twin.run(resnet_batch)[0].shape == (2, 10)
    """)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
