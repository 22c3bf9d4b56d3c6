"""Whether Paddle can use a GPU."""

from __future__ import annotations

import paddle

from resnet_ref.cuda import driver_problem


def gpu_problem() -> str:
    """A wheel without CUDA, no driver or one that does not fit, no device, or no code for it.

    Empty where Paddle can use a GPU.
    """
    version = paddle.__version__
    if not paddle.is_compiled_with_cuda():
        return f"paddle {version} is built without CUDA; install paddlepaddle-gpu"
    if not paddle.is_compiled_with_rocm() and (why := driver_problem(paddle.version.cuda())):
        return f"paddle {version}: {why}"
    try:
        count = paddle.device.cuda.device_count()
    except (OSError, RuntimeError) as error:
        return f"paddle {version} cannot reach the driver: {' '.join(str(error).split())}"
    if not count:
        return f"paddle {version} sees no GPU; does CUDA_VISIBLE_DEVICES hide it?"
    try:  # the wheel does not tell for which devices it has code
        (paddle.ones([1]).cuda() + 1).numpy()
    except (OSError, RuntimeError) as error:
        major, minor = paddle.device.cuda.get_device_capability()
        return (
            f"paddle {version} cannot compute on this GPU, of compute capability "
            f"{major}.{minor}: {' '.join(str(error).split())[:300]}; install the wheel for "
            "another CUDA"
        )
    return ""
