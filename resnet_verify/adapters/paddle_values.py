"""Networks that ask a tensor for its value in Python: ``if float(x.max()) > 0``, ``x.numpy()``.

Where Paddle traces, tensors have no values. So the network runs eagerly once, and what it is
told is noted by the line that asks; traced, each line is told the same in the same order.
"""

# NumPy's arrays are subclassed, and Paddle's values are Any.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

import copy
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

import numpy as np
import paddle
from paddle.tensor import creation

from resnet_verify.adapters.paddle_program import FOREIGN

ASKING = ("__bool__", "__float__", "__int__", "__array__", "item", "numpy", "tolist")
TEXTS = ("__format__", "__str__", "__repr__")
ALL = (*ASKING, "__index__", "__complex__", *TEXTS)

Site = tuple[str, str, int]
"""The method that gives a value, and the file and line of the target's that call it."""
Answers = dict[Site, deque[Any]]
Links = list[tuple[Any, Any]]
"""(value made of an array, value that the array was computed from)."""


@contextmanager
def noted_answers() -> Iterator[Answers]:
    """Note what eager tensors tell the target's own code of their values."""
    answers: Answers = {}

    def noting(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def ask(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            answer = original(tensor, *args, **kwargs)
            if site := _site(name, sys._getframe(1)):
                # The target may write into an array or a list that it is given.
                answers.setdefault(site, deque()).append(copy.deepcopy(answer))
            return answer

        return ask

    with ExitStack() as stack:
        for name in ALL:
            if hasattr(paddle.Tensor, name):
                made = noting(name, getattr(paddle.Tensor, name))
                stack.enter_context(attribute(paddle.Tensor, name, made))
        yield answers


@contextmanager
def told_answers(answers: Mapping[Site, deque[Any]]) -> Iterator[Links]:
    """Tell the target's own code what was noted; a value that was not noted is refused."""
    left = {site: copy.deepcopy(told) for site, told in answers.items()}
    links: Links = []
    with ExitStack() as stack:
        for name in dict.fromkeys((*ASKING, *(name for name, _, _ in answers))):
            for kind in traced_kinds():
                original = getattr(kind, name, None)
                stack.enter_context(attribute(kind, name, _telling(name, original, left)))
        plain = creation._to_tensor_static
        made = _from_numpy(plain, links)
        stack.enter_context(attribute(creation, "_to_tensor_static", made))
        yield links


def _telling(
    name: str, original: Callable[..., Any] | None, left: Mapping[Site, deque[Any]]
) -> Callable[..., Any]:
    def tell(value: Any, *args: Any, **kwargs: Any) -> Any:
        site = _site(name, sys._getframe(1))
        eager = isinstance(value, paddle.Tensor)  # it has a value in any case
        if site and left.get(site):
            answer = left[site].popleft()
            given = not eager and isinstance(answer, np.ndarray)
            return _Given.of(answer, value) if given else answer
        if original and (eager or not site or name in TEXTS):
            return original(value, *args, **kwargs)
        if name == "__bool__" and not site:
            return True  # what Python says of an object that does not say itself
        raise TypeError(f"{name} of a tensor that has no value while it is traced")

    return tell


class _Given(np.ndarray):
    """An array that stands for a traced value, or was computed from one."""

    source: Any = None
    content: Any = None

    @classmethod
    def of(cls, array: np.ndarray[Any, Any], value: Any) -> _Given:
        """`array`, which is what `value` holds."""
        given = array.copy().view(cls)
        given.source, given.content = value, array
        return given

    def __array_finalize__(self, other: Any) -> None:
        """Whatever NumPy makes of it comes from the same value."""
        self.source, self.content = (getattr(other, each, None) for each in ("source", "content"))

    @property
    def unchanged(self) -> bool:
        """Whether it still holds what the value holds."""
        kind = self.content.dtype.kind
        return np.array_equal(self, self.content, equal_nan=kind == "f")


def _from_numpy(plain: Callable[..., Any], links: Links) -> Callable[..., Any]:
    """Paddle's way from an array to a value, which knows where the array comes from."""

    def make(data: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(data, _Given) or data.source is None:
            return plain(data, *args, **kwargs)
        if data.unchanged:
            return data.source.detach()
        made = plain(np.asarray(data), *args, **kwargs)
        links.append((made, data.source))
        return made

    return make


def traced_kinds() -> list[Any]:
    """What the target may hold while it is traced: symbols of either dialect, and weights."""
    symbols = getattr(paddle.pir, "Value", None) if hasattr(paddle, "pir") else None
    return [paddle.Tensor, paddle.static.Variable, *([symbols] if symbols else [])]


def _site(name: str, frame: FrameType) -> Site | None:
    """Who asks; None for Paddle itself, which asks for other values where it traces."""
    file = frame.f_code.co_filename
    return None if file.startswith(FOREIGN) else (name, file, frame.f_lineno)


@contextmanager
def attribute(owner: Any, name: str, value: Any) -> Iterator[None]:
    """`owner` with another attribute."""
    own = vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)
