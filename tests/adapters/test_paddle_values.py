"""Paddle networks that ask a tensor for its value in Python, as they run."""

import numpy as np
import pytest

paddle = pytest.importorskip("paddle")

from resnet_ref.paddle import build  # noqa: E402
from resnet_ref.spec import spec  # noqa: E402
from resnet_verify.adapters import CaptureError  # noqa: E402
from resnet_verify.adapters.paddle import ADAPTER  # noqa: E402
from resnet_verify.adapters.paddle_tracing import records  # noqa: E402
from resnet_verify.checks import select_checks  # noqa: E402
from resnet_verify.examine import Examination  # noqa: E402
from resnet_verify.target import Target  # noqa: E402

SHAPE = (2, 3, 32, 32)


class Asking(paddle.nn.Layer):
    """A right network, and what somebody asks of the image before it runs, and of the output."""

    def __init__(self, before=lambda x: None, after=lambda y: y, within=None):
        super().__init__()
        self.network = build(spec("resnet20"))
        self.before, self.after = before, after
        if within is not None:
            self.network.sublayers()[3].register_forward_post_hook(within)

    def forward(self, x):
        self.before(x)
        return self.after(self.network(x))


def judged(*checks, **asking):
    examination = Examination(Target("asking", lambda: Asking(**asking)))
    results = [examination.run(check) for check in select_checks(checks)]
    assert not [result for result in results if result.outcome in ("error", "not_run")]
    return examination.verdict(results)


def refuse(x):
    if paddle.isnan(x).any():
        raise ValueError(f"not a number, mean {float(x.mean()):.2f}")


QUESTIONS = {
    "bool": lambda x: bool(x.max() > -1e9) or 1 / 0,
    "float": lambda x: float(x.max()) > -1e9 or 1 / 0,
    "int": lambda x: range(int(x.abs().max())),
    "index": lambda x: [0, 1][(x.abs().max() >= 0).astype("int32")],
    "item": lambda x: x.max().item() > -1e9 or 1 / 0,
    "numpy": lambda x: x.numpy().mean() > -1e9 or 1 / 0,
    "array": lambda x: np.asarray(x).mean() > -1e9 or 1 / 0,
    "tolist": lambda x: sum(x.mean(axis=[0, 2, 3]).tolist()),
    "text": lambda x: f"{float(x.mean()):.3f} {x.std()}",
    "each value in turn": lambda x: [float(c.max()) for c in x.unbind(1)][2] / 1,
    "refusal": refuse,
}


@pytest.mark.parametrize("before", QUESTIONS.values(), ids=QUESTIONS)
def test_a_network_that_asks_is_captured_as_one_that_does_not(before):
    def operators(**asking):
        with ADAPTER.preserved():
            graph = ADAPTER.capture(Asking(**asking), SHAPE, training=True).graph
        used = set(graph.outputs)
        for node in reversed(graph.nodes):
            used.update(node.inputs if node.output in used else ())
        return [node.op for node in graph.nodes if node.output in used and node.inputs]

    assert operators(before=before) == operators()


def test_a_network_that_refuses_what_is_not_a_number_conforms():
    assert judged("STR", "NUM-EVAL", "NUM-BATCH", before=refuse).judgement == "conforming"


def test_what_depends_on_the_image_is_seen():
    verdict = judged("STR", "NUM-EVAL", after=lambda y: y if float(y.mean()) > 0 else -y)
    assert verdict.judgement == "defect"


@pytest.mark.parametrize(
    ("change", "check"),
    [(lambda array: array, "STR-DETACHED"), (lambda array: array + 1, "STR-OPERATOR")],
    ids=["as it is", "changed"],
)
def test_a_way_through_numpy_is_named_where_it_is(change, check):
    def through(layer, inputs, output):
        return paddle.to_tensor(change(output.numpy()))

    first = judged("STR", within=through).diagnoses[0]
    assert first.check == check
    assert "stage" in first.where or "stem" in first.where


def test_weights_and_methods_are_as_before():
    model = Asking(before=refuse)
    before = ADAPTER.state(model)
    methods = {kind: dict(vars(kind)) for kind in (paddle.Tensor, paddle.static.Variable)}
    with ADAPTER.preserved():
        ADAPTER.capture(model, SHAPE, training=True)
    after = ADAPTER.state(model)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert all(dict(vars(kind)) == found for kind, found in methods.items())


def test_what_the_network_raises_is_told():
    def wrong(x):
        raise KeyError("no such size")

    with ADAPTER.preserved(), pytest.raises(CaptureError, match="no such size"):
        ADAPTER.capture(Asking(before=wrong), SHAPE, training=True)


def test_nothing_is_left_of_a_trace_that_raises():
    """Paddle 3 keeps what was recorded under an address, which the next trace may have too."""

    def wrong(y):
        raise KeyError("no such class")

    with ADAPTER.preserved(), pytest.raises(CaptureError, match="no such class"):
        ADAPTER.capture(Asking(after=wrong), SHAPE, training=True)
    assert records()
    assert not any(records())


def test_what_the_network_keeps_is_as_before():
    kept = {"outputs": [], "shapes": ({},)}

    def keep(y):
        kept["outputs"].append(y)
        kept["shapes"][0][len(y.shape)] = y
        return y

    model = Asking(after=keep)
    model.kept = kept
    with ADAPTER.preserved():
        ADAPTER.capture(model, SHAPE, training=True)
    assert kept == {"outputs": [], "shapes": ({},)}
