"""What a network gives back: a nest of tensors, or an exception."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def flatten(value: object, is_tensor: Callable[[object], bool]) -> list[Any]:
    """The tensors in `value`, depth first, in the order of the structure; each one once."""
    unique = {id(tensor): tensor for tensor in _walk(value, is_tensor, depth=0)}
    return list(unique.values())


def _walk(value: object, is_tensor: Callable[[object], bool], depth: int) -> Iterator[object]:
    if is_tensor(value):
        yield value
    elif depth > 8:  # a structure that contains itself
        return
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _walk(item, is_tensor, depth + 1)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _walk(item, is_tensor, depth + 1)
    elif hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value):
        yield from _walk(vars(value), is_tensor, depth + 1)


def message_of(error: BaseException) -> str:
    """What an exception says of itself, also where it cannot be asked."""
    try:
        return str(error)
    except Exception as another:  # the target's code may raise anything
        return f"(its message cannot be had: __str__ raised {type(another).__name__})"


def cause(error: BaseException) -> str:
    """An exception in one line: its type and the one line that says what is wrong."""
    message = message_of(error).partition("- C++ Call Stack")[0]  # MindSpore's comes last
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    noise = ("File ", "---", "C++", "[Hint", "Python", "Error Message", "[operator")
    informative = [line for line in lines if not line.startswith(noise)]
    return f"{type(error).__name__}: {informative[-1] if informative else ''}"[:300]
