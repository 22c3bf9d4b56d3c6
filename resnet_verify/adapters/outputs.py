"""What a network returns: a tensor, or a nest of tuples, lists, dicts and objects of tensors."""

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
