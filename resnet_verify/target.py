"""What the user points at: parse the words, import the module, hand over a factory.

`load_target` raises `TargetError` for every mistake that a user can make here, each as one
sentence: what was asked, what is wrong with it, what to write instead.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from resnet_verify.importing import (
    ModuleProblem,
    describe,
    import_file,
    import_named,
    importable,
    missing_file,
    short_path,
    where_from,
)

FORMS = "write 'package.module:NAME', 'path/file.py:NAME' or 'path/model.onnx'"


class TargetError(Exception):
    """One clear message: what was asked, what is wrong, the remedy."""


@dataclass(frozen=True)
class Target:
    """A network to be judged.

    `name` is what the user wrote, or the test's id where a fixture gave the factory.
    `factory` returns a model each time it is called: a new one, or the same one where the
    user named the model itself. It may raise anything; `create` raises `TargetError` only.
    `text` is what `load_target` made it of, in any process; empty where a test gave the factory.
    """

    name: str
    factory: Callable[[], object]
    text: str = ""

    def create(self) -> object:
        """Call the factory.

        Raises:
            TargetError: the factory raised, called `sys.exit`, or returned None.
        """
        try:
            model = self.factory()
        except TargetError:
            raise
        except (Exception, SystemExit) as error:
            remedy = where_from(error.name or "") if isinstance(error, ModuleNotFoundError) else ""
            raised = f"the factory raised {describe(error)}{remedy}"
            raise TargetError(f"{self.name}: {raised}") from error
        if model is None:
            raise TargetError(
                f"{self.name}: the factory returned None, not a model; is a 'return' missing?"
            )
        return model


def load_target(text: str) -> Target:
    """Import what `text` names, without calling it yet.

    `text` is ``package.module:NAME`` or ``path/file.py:NAME``; NAME may be dotted and may be
    followed by keyword arguments for the callable, as in ``?num_classes=10&groups=32``.
    Values are Python literals; what is not a literal is a string. Or it is the path of an ONNX
    file, ``path/model.onnx``, which is read anew each time the factory is called.

    Raises:
        TargetError: `text` is malformed, or does not lead to a model or to a callable that
            takes those arguments, or there is no such file.
    """
    where, _, query = text.partition("?")
    if not where.strip():
        raise TargetError(f"an empty target ({text!r}): {FORMS}")
    if where.endswith(".onnx"):
        return _onnx_target(text, Path(where), query)
    place, colon, attribute = where.rpartition(":")
    if not colon or not place or not attribute:
        raise TargetError(f"{text}: {_missing_part(where)}")
    arguments = _parse_query(text, query)
    is_file = place.endswith(".py") or "/" in place
    folder = Path(place).resolve().parent if is_file else Path.cwd()
    try:
        module = import_file(Path(place)) if is_file else import_named(place)
    except ModuleProblem as problem:
        raise TargetError(f"{text}: {problem}") from problem.__cause__
    found = _resolve(text, module, attribute)
    return Target(text, _factory(text, found, arguments, folder), text)


def _onnx_target(text: str, path: Path, query: str) -> Target:
    if query:
        raise TargetError(f"{text}: an ONNX file takes no arguments")
    if not path.is_file():
        raise TargetError(f"{text}: {missing_file(path)}")
    return Target(text, partial(_load_onnx, text, path.resolve()), text)


def _load_onnx(text: str, path: Path) -> object:
    try:
        from resnet_verify.adapters import onnx_network, onnx_runtime  # noqa: F401
    except ImportError as error:
        raise TargetError(
            f"{text}: judging ONNX files takes onnx and onnxruntime ({describe(error)}); "
            "pip install 'resnet-verify[onnx]'"
        ) from error
    try:
        return onnx_network.load(path)
    except ValueError as error:
        raise TargetError(f"{text}: {error}") from error


def _missing_part(where: str) -> str:
    if where.endswith(".py") or where.endswith(".py:"):
        return f"which network in that file? {where.rstrip(':')}:NAME"
    module, dot, attribute = where.strip(":").rpartition(".")
    if dot and ":" not in where:
        return f"no colon before the network's name; did you mean '{module}:{attribute}'?"
    return f"both a module and a name are needed: {FORMS}"


def _parse_query(text: str, query: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for part in query.split("&") if query else ():
        name, equals, value = part.partition("=")
        if not equals or not name.isidentifier():
            raise TargetError(f"{text}: {part!r} is no argument; write '?name=value&name=value'")
        if name in arguments:
            raise TargetError(f"{text}: the argument {name!r} is given twice")
        try:
            arguments[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            arguments[name] = value
    return arguments


def _resolve(text: str, module: ModuleType, attribute: str) -> Any:
    found: Any = module
    reached = _shown_name(module)
    for name in attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            public = [known for known in dir(found) if not known.startswith("_")]
            close = get_close_matches(name, public, n=3)
            hint = f"did you mean {_alternatives(close)}?" if close else _offer(public)
            raise TargetError(f"{text}: {reached} has no {name!r}; {hint}") from None
        reached = f"{reached}.{name}"
    return found


def _shown_name(module: ModuleType) -> str:
    executed = module.__name__.startswith("_resnet_target") and module.__file__
    return short_path(executed) if executed else module.__name__


def _offer(public: list[str]) -> str:
    return f"it has {', '.join(public[:6])}" if public else "it is empty"


def _alternatives(names: list[str]) -> str:
    return " or ".join(repr(name) for name in names)


def is_model(found: object) -> bool:
    """Whether `found` is a network rather than a factory: an object that owns parameters."""
    return not isinstance(found, type | ModuleType) and any(
        callable(getattr(found, name, None)) for name in ("parameters", "get_parameters")
    )


def _factory(
    text: str, found: Any, arguments: dict[str, Any], folder: Path
) -> Callable[[], object]:
    if is_model(found):
        if arguments:
            raise TargetError(f"{text}: this is a model already and takes no arguments")
        return lambda: found
    if not callable(found):
        kind = "a module" if isinstance(found, ModuleType) else f"of type {type(found).__name__}"
        raise TargetError(f"{text}: this is {kind}, neither a model nor a callable returning one")
    problem = _argument_problem(text, found, arguments)
    if problem:
        raise TargetError(f"{text}: {problem}")
    return partial(_call, found, arguments, folder)


def _call(found: Callable[..., object], arguments: dict[str, Any], folder: Path) -> object:
    with importable(folder):
        return found(**arguments)


def _argument_problem(text: str, found: Callable[..., Any], arguments: dict[str, Any]) -> str:
    """Why `found` cannot be called with `arguments`; empty where it can, or cannot be known."""
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return ""
    try:
        signature.bind(**arguments)
    except TypeError:
        pass
    else:
        return ""
    parameters = signature.parameters
    for name in arguments:
        if name not in parameters:
            close = get_close_matches(name, parameters, n=3)
            hint = f"did you mean {_alternatives(close)}?" if close else _takes(list(parameters))
            return f"there is no argument {name!r}; {hint}"
    return _missing_arguments(text, signature, arguments)


def _missing_arguments(text: str, signature: inspect.Signature, arguments: dict[str, Any]) -> str:
    parameters = signature.parameters
    missing = [name for name in parameters if _is_required(parameters[name], arguments)]
    plural = "s" if len(missing) > 1 else ""
    fact = f"this needs the argument{plural} {', '.join(map(repr, missing))}"
    if any(parameters[name].kind is inspect.Parameter.POSITIONAL_ONLY for name in missing):
        return f"{fact}, which cannot be given by name; name a factory that needs none"
    joint = "&" if arguments else "?"
    given = joint + "&".join(f"{name}=..." for name in missing)
    return f"{fact}; write '{text}{given}', or name a factory that needs none"


def _takes(names: list[str]) -> str:
    return f"it takes {', '.join(names)}" if names else "it takes none"


def _is_required(parameter: inspect.Parameter, arguments: dict[str, Any]) -> bool:
    variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    positional_only = parameter.kind is parameter.POSITIONAL_ONLY
    return (
        not variadic
        and parameter.default is parameter.empty
        and (positional_only or parameter.name not in arguments)
    )
