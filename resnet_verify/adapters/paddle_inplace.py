"""Give a traced program the in-place operators that the network has.

Where Paddle traces, ``x.add_(y)`` and ``F.relu_(x)`` compute their result and leave `x` as it
was, with a warning. Eagerly they overwrite `x`, for everybody who holds it: networks rely on
that, or are broken by it. So each such call is noted, and every later use of `x` in the
program is made a use of the result.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import paddle
from paddle.utils import inplace_utils

from resnet_verify.adapters.paddle_values import attribute, traced_kinds

Overwrites = list[tuple[Any, Any]]
"""(value overwritten, value it becomes), in the order of the calls."""


@contextmanager
def noted_overwrites() -> Iterator[Overwrites]:
    """Note the in-place calls made while tracing."""
    noted: Overwrites = []

    def evaluated(name: str) -> Callable[..., Any]:
        # Paddle's wrapper looks the out-of-place function up by ``eval`` of its name.
        original = builtins.eval(name, vars(inplace_utils))

        def call(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            target = args[0] if args else kwargs.get("x")
            if target is not None:
                noted.append((target, result))
            return result

        return call

    with ExitStack() as stack:
        stack.enter_context(attribute(inplace_utils, "eval", evaluated))
        for kind in traced_kinds():
            if kind is not paddle.Tensor:
                stack.enter_context(attribute(kind, "set_value", _set_value))
        yield noted


def _set_value(target: Any, value: Any) -> None:
    """What symbolic values do not have, or take for another's."""
    paddle.assign(value, target)


def apply_overwrites(program: Any, outputs: list[Any], overwrites: Overwrites) -> list[Any]:
    """Redirect later uses in `program`; returns the outputs, redirected too."""
    for old, new in overwrites:
        if hasattr(old, "get_defining_op"):
            _redirect_pir(program, old, new)
        else:
            _redirect_legacy(program, old, new)
        outputs = [new if _same(value, old) else value for value in outputs]
    return outputs


def _same(one: Any, other: Any) -> bool:
    if hasattr(one, "is_same"):
        return bool(one.is_same(other))
    return getattr(one, "name", None) == getattr(other, "name", "")


def _redirect_pir(program: Any, old: Any, new: Any) -> None:
    made = False
    for op in program.global_block().ops:
        if made:
            for operand in op.operands():
                if operand.source().initialized() and operand.source().is_same(old):
                    operand.set_source(new)
        made = made or any(result.is_same(new) for result in op.results())


def _redirect_legacy(program: Any, old: Any, new: Any) -> None:
    made = False
    for op in program.global_block().ops:
        if made:
            op._rename_input(old.name, new.name)
        made = made or new.name in op.output_arg_names
