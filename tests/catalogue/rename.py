"""Rename everything in the catalogue's networks: a verdict must not depend on a name.

`rename_catalogue(directory, package, seed)` writes a copy of the networks in which every class,
every method and every attribute has a random name, the same in all modules. `renamed` finds in
that copy the factory that corresponds to one of the catalogue.

Names that Paddle gives a meaning stay as they are: `forward`, `weight`, `_epsilon`, and also
`relu` or `norm`, which are methods of a tensor.
"""

from __future__ import annotations

import ast
import importlib
import random
import string
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import paddle

HERE = Path(__file__).parent
CATALOGUE = __package__
BY_NAME = {"getattr", "hasattr", "setattr", "register_buffer", "add_sublayer", "add_parameter"}


def rename_catalogue(directory, package, seed):
    """Write the renamed modules as `package`, below `directory`; return old and new names."""
    sources = {
        path.relative_to(HERE): ast.parse(path.read_text(encoding="utf-8"))
        for folder in ("correct", "broken")
        for path in sorted((HERE / folder).glob("*.py"))
    }
    names = new_names(sources.values(), seed)
    for path, tree in sources.items():
        target = Path(directory) / package / path
        target.parent.mkdir(parents=True, exist_ok=True)
        renamed_tree = Renamer(names, package).visit(tree)
        target.write_text(ast.unparse(renamed_tree), encoding="utf-8")
    (Path(directory) / package / "__init__.py").touch()
    return names


def renamed(factory, package):
    """The counterpart of `factory` in the renamed `package`, which must be importable."""
    module = factory.__module__.replace(CATALOGUE, package, 1)
    return getattr(importlib.import_module(module), factory.__name__)


def new_names(trees: Iterable[ast.Module], seed: int) -> dict[str, str]:
    """A random name for each class, method and attribute that the modules define."""
    draw = random.Random(seed)
    old = sorted(set().union(*map(defined_names, trees)) - protected_names())
    new: set[str] = set()
    while len(new) < len(old):
        new.add("q" + "".join(draw.choices(string.ascii_lowercase, k=7)))
    return dict(zip(old, draw.sample(sorted(new), len(old)), strict=True))


def defined_names(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
            for statement in node.body:
                if isinstance(statement, ast.FunctionDef):
                    names.add(statement.name)
                elif isinstance(statement, ast.Assign):
                    names |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.Call) and called(node) == "register_buffer":
            names |= {a.value for a in node.args if isinstance(a, ast.Constant)}
    return {name for name in names if isinstance(name, str) and not name.startswith("__")}


def protected_names() -> set[str]:
    """What Paddle, NumPy and Python themselves look for."""
    layers = [
        paddle.nn.Conv2D(1, 1, 1),
        paddle.nn.BatchNorm2D(1),
        paddle.nn.BatchNorm(1),
        paddle.nn.Linear(1, 1),
        paddle.create_parameter([1], "float32"),
    ]
    known = [dir(thing) for thing in (*layers, paddle.Tensor, np.ndarray, list, dict, str)]
    return set().union(*known)


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


class Renamer(ast.NodeTransformer):
    """Renames definitions and uses alike; what is reached through a foreign module stays."""

    def __init__(self, names, package):
        self.names = names
        self.package = package
        self.foreign: set[str] = set()
        self.classes: list[ast.ClassDef] = []

    def visit_Import(self, node):
        self.foreign |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        return node

    def visit_ImportFrom(self, node):
        if node.module.startswith(CATALOGUE):
            node.module = node.module.replace(CATALOGUE, self.package, 1)
            for alias in node.names:
                if alias.name[0].isupper():  # a class; the others are modules
                    alias.name = self.names.get(alias.name, alias.name)
        else:
            self.foreign |= {alias.asname or alias.name for alias in node.names}
        return node

    def visit_ClassDef(self, node):
        node.name = self.names.get(node.name, node.name)
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef):
                statement.name = self.names.get(statement.name, statement.name)
            elif isinstance(statement, ast.Assign):
                for target in statement.targets:
                    target.id = self.names.get(target.id, target.id)
        return self.generic_visit(node)

    def visit_Name(self, node):
        # Classes alone: a local variable may be called as an attribute is.
        if node.id[0].isupper() and node.id not in self.foreign:
            node.id = self.names.get(node.id, node.id)
        return node

    def visit_Attribute(self, node):
        self.generic_visit(node)
        root = node.value
        while isinstance(root, (ast.Attribute, ast.Subscript)):
            root = root.value
        if not (isinstance(root, ast.Name) and root.id in self.foreign):
            node.attr = self.names.get(node.attr, node.attr)
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        if called(node) in BY_NAME:
            for argument in node.args:
                if isinstance(argument, ast.Constant):
                    argument.value = self.names.get(argument.value, argument.value)
        return node
