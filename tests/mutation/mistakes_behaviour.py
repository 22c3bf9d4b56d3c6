"""Mistakes in how a network behaves: gradients, state, statistics, odd inputs, weights."""

from __future__ import annotations

from resnet_ref.layers import BatchNorm, Conv, Linear, Relu
from tests.mutation.mistake import (
    convs,
    extra,
    fault,
    followed_by,
    layers,
    norms,
    only,
    table,
)

_anywhere = layers((Conv, Relu, BatchNorm), "branch", "shortcut", "post", "stem")
_maps = layers((Relu, BatchNorm), "branch", "post", "stem")
_weighted = layers((Conv, Linear))

GRADIENTS = (
    *table("gradient|detach|learn", _anywhere, {
        "detached": followed_by(extra("detach", mode="train")),
        "gradient-scaled": followed_by(extra("gradient scaled", 0.5)),
        "gradient-zeroed": followed_by(extra("gradient scaled", 0.0)),
        "gradient-sign-turned": followed_by(extra("gradient scaled", -1.0)),
        "gradient-clipped": followed_by(extra("gradient clipped", 1e-3)),
        "gradient-noisy": followed_by(extra("gradient noisy", 1.0)),
        "gradient-of-other-channels": followed_by(extra("gradient flipped")),
    }),
    *table("gradient|frozen|learn|train|comput", _weighted, {
        "weight-frozen": fault("freeze weight"),
        "weight-gradient-zeroed": fault("weight gradient", 0.0),
        "weight-gradient-scaled": fault("weight gradient", 0.1),
        "weight-gradient-turned": fault("weight gradient", -1.0),
        "weight-detached": fault("detached weight"),
    }),
    *table("gradient", _weighted, {"gradient-forgotten": fault("gradient forgotten")}),
    *table("gradient", _weighted, {
        "weight-gradient-scaled-once-added": fault("weight gradient once added", 0.5),
    }, only_in=("torch",)),
    *table("gradient", layers(Conv, "branch"), {
        "gradient-scaled-by-a-hook-on-the-layer": fault("gradient of the input", 0.5),
    }, only_in=("torch",)),
    *table("gradient|frozen|learn|train", norms(), {
        "scale-frozen": fault("freeze weight"),
        "shift-frozen": fault("freeze bias"),
        "shift-gradient-zeroed": fault("bias gradient", 0.0),
    }),
)  # fmt: skip

STATE = (
    *table("state|call|trajector|operator|dropout|random|detach|addition|training mode", _maps, {
        "remembers-the-last-call": followed_by(extra("remembers", 0.5)),
        "remembers-in-training": followed_by(extra("remembers", 2.0, "train")),
        "every-third-call": followed_by(extra("every third", 0.5)),
        "first-output-kept": followed_by(extra("first kept")),
        "first-output-kept-in-evaluation": followed_by(extra("first kept", mode="eval")),
        "noise-in-evaluation": followed_by(extra("noise", 0.1, "eval")),
        "noise-in-training": followed_by(extra("noise", 0.1, "train")),
        "python-noise": followed_by(extra("python noise")),
        "wrong-after-two-steps": followed_by(extra("after calls", 9, "train")),
    }, near=False),
    *table("input|in place|unused|add|corrupt|operator|scale|activation", only(("stem", 0)), {
        "input-changed": lambda program, position: _in_place(program, position),
    }, near=False),
    *table("weight|state|call|comput|repeat|trajectory|decay", _weighted, {
        "weight-decays-in-forward": fault("decays", 0.99),
        "weight-clamped-in-forward": fault("clamped", 0.02),
    }),
    *table("comput|operator|parameter", convs(), {
        "weight-standardised": fault("standardised"),
        "weight-rescaled": fault("rescaled", 1.4),
        "weight-flipped": fault("flipped"),
    }),
    *table("registered", layers((Conv, BatchNorm)), {"unregistered": fault("unregistered")}),
    *table("sav|load", norms(), {"statistics-not-saved": fault("unsaved")},
           near=False),
)  # fmt: skip


def _in_place(program, position):
    from tests.mutation import program as edit

    return edit.before(program, position, extra("in place", 0.1))


COPIES = (
    *table("copy", _weighted, {"copy-calls-the-original": fault("bound to the original")},
           near=False),
    *table("copy", _weighted, {"copy-computes-otherwise": fault("copied otherwise", 1.5)},
           near=False, only_in=("torch",)),
)  # fmt: skip

PRECISION = table("mixed precision", _maps, {
    "wrong-in-mixed-precision": followed_by(extra("when coarse", 0.5)),
    "fails-in-mixed-precision": followed_by(extra("when coarse raise")),
}, near=False, only_in=("torch",))  # fmt: skip

STATISTICS = (
    *table("statistic|mode|trajectory", norms(), {
        "stuck-in-training": fault("mode", 1.0),
        "stuck-in-evaluation": fault("mode", 0.0),
        "statistics-reset": fault("statistics reset"),
        "statistics-moved-twice": fault("statistics twice"),
        "statistics-moved-in-evaluation": fault("statistics in evaluation"),
        "statistics-kept": fault("statistics kept"),
        "statistics-stop": fault("statistics stop"),
    }),
)  # fmt: skip

ODD_INPUTS = (
    *table(r"image|batch|other|alone|operator|(mean|sum) \(axes", _maps, {
        "batch-mean-subtracted": followed_by(extra("batch mean")),
        "batch-mean-in-evaluation": followed_by(extra("batch mean", mode="eval")),
        "scaled-by-the-largest": followed_by(extra("batch largest", mode="eval")),
        "nan-leaks": followed_by(extra("batch leak")),
        "nan-leaks-in-evaluation": followed_by(extra("batch leak", mode="eval")),
        "batch-turned": followed_by(extra("batch order", mode="eval")),
    }),
    *table("alone", _maps, {
        "wrong-for-one-image": followed_by(extra("when single")),
    }, near=False),
    *table("for input|size", _maps, {
        "wrong-for-odd-sizes": followed_by(extra("when odd")),
    }, near=False),
    *table("image|value|odd|large|constant|operator", only(("stem", 0)), {
        "wrong-for-large-values": lambda p, i: _before(p, i, extra("when large", 100.0)),
        "wrong-for-one-colour": lambda p, i: _before(p, i, extra("when constant")),
    }, near=False),
    *table("memory", only(("stem", 0)), {
        "wrong-for-strided-memory": lambda p, i: _before(p, i, extra("when strided", 0.5)),
    }, near=False),
    *table("memory|reshape", only(("stem", 0)), {
        "view-of-the-image": lambda p, i: _before(p, i, extra("viewed")),
    }, near=False, only_in=("torch",)),
    *table("memory", _maps, {
        "wrong-for-channels-last": followed_by(extra("when strided", 0.5)),
    }, near=False, only_in=("torch",)),
    *table("image|batch|shape|alone|forward", layers(Linear), {
        "squeezed": followed_by(extra("squeeze")),
    }, near=False),
)  # fmt: skip


def _before(program, position, op):
    from tests.mutation import program as edit

    return edit.before(program, position, op)


INITIAL = (
    *table("initial|finite|nan|identical|weights", _weighted, {
        "weight-constant": fault("constant", 0.01),
        "weight-huge": fault("scaled", 300.0),
        "weight-nan": fault("nan"),
        "filters-alike": fault("same filters"),
    }),
)  # fmt: skip

BEHAVIOUR = (
    *GRADIENTS, *STATE, *COPIES, *STATISTICS, *ODD_INPUTS, *PRECISION, *INITIAL,
)  # fmt: skip
