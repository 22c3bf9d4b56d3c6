"""Whether a GPU can be used, and if not, why: a demanded GPU is never quietly replaced."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec


def why_unusable() -> str:
    """Why no installed framework can use a GPU; empty where one can.

    This imports the frameworks that are installed.
    """
    if find_spec("paddle") is None:
        return "no framework is installed; pip install paddlepaddle-gpu"
    paddle = import_module("paddle")
    version = paddle.__version__
    if not paddle.is_compiled_with_cuda():
        return f"paddle {version} is built without CUDA; install paddlepaddle-gpu"
    try:
        count = paddle.device.cuda.device_count()
    except (OSError, RuntimeError) as error:
        return f"paddle {version} cannot reach the driver: {error}"
    return "" if count else f"paddle {version} sees no GPU; is the driver installed?"
