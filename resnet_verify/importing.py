"""Import a user's module or file, leaving `sys.path` and other modules as they were.

A file is imported as `python file.py` would: its own folder comes first on the path while
it (or a factory of it) runs, and only then. A file inside a package is imported as the
member of that package, so that its relative imports work.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from resnet_verify.adapters import BUILT_IN
from resnet_verify.adapters.outputs import message_of

# Modules that a target's folder brought while another module of the same name was loaded.
_OWN: dict[Path, dict[str, ModuleType]] = {}

_LONGEST = 2000  # characters of a message


class ModuleProblem(Exception):  # the caller turns it into its own error
    """A module that cannot be imported; the message says why."""


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Put `folder` first on `sys.path`, for as long as the context lasts.

    Modules of the same names as those in `folder`, loaded from elsewhere, step aside for as
    long. No bytecode is written meanwhile.
    """
    aside = _step_aside(folder)
    sys.modules.update(_OWN.get(folder, {}))
    entry, wrote = str(folder), sys.dont_write_bytecode
    sys.path.insert(0, entry)
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = wrote
        if entry in sys.path:
            sys.path.remove(entry)
        for name, module in aside.items():
            if name in sys.modules:
                _OWN.setdefault(folder, {})[name] = sys.modules[name]
            sys.modules[name] = module


def _step_aside(folder: Path) -> dict[str, ModuleType]:
    """Take user modules out of `sys.modules` that `folder` has under the same name."""
    names = {found.name for found in pkgutil.iter_modules([str(folder)])}
    aside = {
        name: module
        for name, module in sys.modules.items()
        if name.partition(".")[0] in names and _belongs_elsewhere(module, folder)
    }
    for name in aside:
        del sys.modules[name]
    return aside


def _belongs_elsewhere(module: ModuleType, folder: Path) -> bool:
    source = getattr(module, "__file__", None)
    if not source or module.__name__.partition(".")[0] in sys.stdlib_module_names:
        return False
    path = Path(source)
    installed = "site-packages" in path.parts or "dist-packages" in path.parts
    return not installed and not path.is_relative_to(folder)


def import_named(name: str) -> ModuleType:
    """Import the module `name`, looking into the current folder first.

    Raises:
        ModuleProblem: there is no such module, or importing it failed.
    """
    if not all(part.isidentifier() for part in name.split(".")):
        raise ModuleProblem(f"{name!r} is no module name; a file ends in '.py'")
    with importable(Path.cwd()), _explained(name):
        return importlib.import_module(name)


def import_file(path: Path) -> ModuleType:
    """Import the Python file at `path`.

    Raises:
        ModuleProblem: there is no such file, or importing it failed.
    """
    if not path.is_file():
        raise ModuleProblem(missing_file(path))
    path = path.resolve()
    root, name = _package_of(path)
    with importable(root), _explained(str(path.name)):
        if "." in name:
            return importlib.import_module(name)
        return _execute(path)


def _package_of(path: Path) -> tuple[Path, str]:
    """The folder to import from, and the module's dotted name there."""
    root, name = path.parent, path.stem
    while (root / "__init__.py").is_file() and root.name.isidentifier():
        root, name = root.parent, f"{root.name}.{name}"
    loaded = sys.modules.get(name.partition(".")[0])
    if loaded is not None and not _comes_from(loaded, root):
        return path.parent, path.stem
    return root, name


def _comes_from(module: ModuleType, root: Path) -> bool:
    source = getattr(module, "__file__", None)
    return source is not None and Path(source).resolve().is_relative_to(root)


def _execute(path: Path) -> ModuleType:
    """Run a file as a module of its own, once for each state of the file."""
    state = f"{path}:{path.stat().st_mtime_ns}"
    name = f"_resnet_target_{sha256(state.encode()).hexdigest()[:10]}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModuleProblem(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn whatever an import raises into a `ModuleProblem` that says what to do."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(f"{missing}."):
            raise ModuleProblem(_missing_module(name, missing)) from error
        raise ModuleProblem(_missing_dependency(name, missing, describe(error))) from error
    except SystemExit as error:
        raise ModuleProblem(f"importing {name} called sys.exit({error.code!r})") from error
    except Exception as error:
        raise ModuleProblem(f"importing {name} raised {describe(error)}") from error


def missing_file(path: Path) -> str:
    """Why there is no file to read at `path`, and what to write instead."""
    if path.is_dir():
        return f"{path} is a folder; name a file in it"
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    close = get_close_matches(
        path.name, [found.name for found in folder.glob(f"*{path.suffix}")], n=1
    )
    hint = f"did you mean {folder / close[0]}?" if close else f"looked in {folder.resolve()}"
    return f"there is no file {path}; {hint}"


def _missing_module(name: str, missing: str) -> str:
    parent, _, last = missing.rpartition(".")
    if not parent:
        remedy = where_from(last)
        close = get_close_matches(last, {found.name for found in pkgutil.iter_modules()}, n=1)
        hint = f"; did you mean {close[0]!r}?" if close and not remedy else remedy
        return f"there is no module {missing!r} here{hint or ' (current folder and environment)'}"
    found = sys.modules.get(parent)
    if found is not None and not hasattr(found, "__path__"):
        return f"{parent!r} is a module, not a package: it holds no module {last!r}"
    members = [entry.name for entry in pkgutil.iter_modules(getattr(found, "__path__", []))]
    close = get_close_matches(last, members, n=1)
    hint = f"did you mean '{parent}.{close[0]}'?" if close else f"{parent!r} was found"
    return f"there is no module {missing!r}; {hint}"


def _missing_dependency(name: str, missing: str, described: str) -> str:
    return f"importing {name} raised {described}{where_from(missing)}"


def where_from(module: str) -> str:
    """How to install the framework that `module` belongs to; empty where it is none of them."""
    framework = module.partition(".")[0]
    if framework not in BUILT_IN:
        return ""
    return f"; it comes with: pip install 'resnet-verify[{framework}]'"


def describe(error: BaseException) -> str:
    """The error's type and message, and the line of the user's code that raised it."""
    kind = type(error).__name__
    message = " ".join(message_of(error)[:_LONGEST].split()) or "without a message"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{kind}: {error.msg} ({short_path(error.filename)}, line {error.lineno})"
    return f"{kind}: {message}{raised_at(error)}"


def raised_at(error: BaseException) -> str:
    """The line of the user's code that raised `error`, in brackets; empty where none did."""
    frames = traceback.extract_tb(error.__traceback__)
    users = [frame for frame in frames if not is_library(frame.filename)]
    if not users:
        return ""
    last = users[-1]
    return f" ({short_path(last.filename)}, line {last.lineno}, in {last.name})"


def is_library(filename: str) -> bool:
    """Whether `filename` is Python's, a package's or this one's, and not the user's."""
    parts = Path(filename).parts
    return (
        filename.startswith("<")
        or "site-packages" in parts
        or "dist-packages" in parts
        or Path(filename).is_relative_to(Path(__file__).parent)
        or Path(filename).is_relative_to(Path(inspect.__file__).parent)
    )


def short_path(filename: str) -> str:
    """`filename` as seen from the current folder, where it lies below that."""
    path = Path(filename)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else filename
