"""Whether a GPU can be used, and if not, why: a demanded GPU is never quietly replaced."""

from __future__ import annotations

from importlib.util import find_spec

from resnet_verify.adapters import registered


def why_unusable() -> str:
    """Why no installed framework can use a GPU; empty where one can.

    This imports the frameworks that are installed.
    """
    installed = [point for framework, point in registered().items() if find_spec(framework)]
    if not installed:
        return "no framework is installed; pip install paddlepaddle-gpu"
    problems: list[str] = [point.load().gpu_problem() for point in installed]
    return "" if "" in problems else "; ".join(problems)
