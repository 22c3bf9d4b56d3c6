"""Whether a GPU can be used, and if not, why: a demanded GPU is never quietly replaced."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from resnet_verify import tune
from resnet_verify.adapters import registered
from resnet_verify.process import ProcessError, run_apart


def why_unusable() -> str:
    """Why no installed framework can use a GPU; empty where one can.

    Each of them is asked in a process of its own: two in one may clash.
    """
    installed = [framework for framework in registered() if find_spec(framework)]
    if not installed:
        return "no framework is installed; pip install paddlepaddle-gpu"
    problems = dict.fromkeys(map(_problem, installed))  # a framework may have several adapters
    return "" if "" in problems else "; ".join(problems)


def _problem(framework: str) -> str:
    try:
        return run_apart(_ask, framework)
    except ProcessError as error:
        return f"{framework} cannot be asked: {error}"


def _ask(_tell: Callable[..., None], framework: str) -> str:
    tune.before_import()
    problem: str = registered()[framework].load().gpu_problem()
    return problem
