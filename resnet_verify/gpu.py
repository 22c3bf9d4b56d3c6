"""Whether a GPU can be used, and if not, why: a demanded GPU is never quietly replaced."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from resnet_verify.adapters import BUILT_IN


def why_unusable() -> str:
    """Why no installed framework can use a GPU; empty where one can.

    This imports the frameworks that are installed.
    """
    installed = [module for framework, module in BUILT_IN.items() if find_spec(framework)]
    if not installed:
        return "no framework is installed; pip install paddlepaddle-gpu"
    problems: list[str] = [import_module(module).ADAPTER.gpu_problem() for module in installed]
    return "" if "" in problems else "; ".join(problems)
