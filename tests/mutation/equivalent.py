"""Changes that change nothing: each with the proof, and every one has to conform."""

from __future__ import annotations

from resnet_ref.layers import Dropout, MaxPool, Relu, ZeroPad
from tests.mutation import program as edit
from tests.mutation.mistake import (
    Mistake,
    adds,
    convs,
    extra,
    fault,
    followed_by,
    layers,
    norms,
    only,
    op_with,
    preceded_by,
    relus,
)
from tests.mutation.mistakes_structure import _identity_shortcut, _operand_through, _pools


def _after_activation(program, position):
    """An identity shortcut of a block whose input has been rectified."""
    return _identity_shortcut(program, position) and not program.spec.preactivation


def _padded_by_zeros(program, position):
    bare = edit.with_op(program, position, padding=(0, 0, 0, 0))
    return edit.before(bare, position, ZeroPad((1, 1, 1, 1)))


def _padded_by_hand(program, position):
    bare = edit.with_op(program, position, padding=(0, 0, 0, 0))
    return edit.before(bare, position, extra("zeros around", 1))


def _padded(program, position):
    return program.steps[position].op.padding == (1, 1, 1, 1)


def _plain_stem(program):
    return [] if program.spec.preactivation else _pools(program)


EQUIVALENT = (
    Mistake("relu-twice", "relu(relu(x)) = relu(x)", relus(), followed_by(Relu())),
    Mistake("relu-on-identity-shortcut",
            "the input of a v1 block is the output of a ReLU, and relu(x) = x for x >= 0",
            adds(keep=_after_activation), _operand_through(1, Relu())),
    Mistake("relu-after-pool", "a maximum of numbers >= 0 is >= 0, so a ReLU keeps it",
            _plain_stem, followed_by(Relu())),
    Mistake("pool-padded-by-zeros",
            "behind a ReLU a zero in the window of a maximum is no larger than what else is there",
            _plain_stem, _padded_by_zeros),
    Mistake("momentum-0.99", "the same limit of the running statistics, more slowly: advice",
            norms(), op_with(momentum=0.99)),
    Mistake("dropout-before-classifier", "documented as everyone's own choice (He et al. use none)",
            lambda program: [len(program.steps) - 1], preceded_by(Dropout(0.2))),
    Mistake("pool-of-one-pixel", "the maximum of one number is that number",
            layers(Relu, "stem"), followed_by(MaxPool((1, 1), (1, 1)))),
    Mistake("scaled-by-one", "1 x = x", convs("branch"), followed_by(extra("scale", 1.0))),
    Mistake("padded-by-hand", "zeros around an image are a padding, whoever puts them there",
            convs("branch", keep=_padded), _padded_by_hand, only_in=("torch",)),
    Mistake("holds-a-function", "what nobody calls computes nothing; only it cannot be pickled",
            convs(), fault("holds a function")),
    Mistake("holds-a-lock", "what nobody takes changes nothing; only it cannot be copied",
            convs(), fault("holds a lock")),
    Mistake("shifted-by-zero", "x + 0 = x", only(("stem", 0)), followed_by(extra("shift", 0.0))),
)  # fmt: skip
