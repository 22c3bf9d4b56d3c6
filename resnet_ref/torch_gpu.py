"""Whether PyTorch can use a GPU."""

from __future__ import annotations

import torch

from resnet_ref.cuda import architecture_problem, driver_problem


def gpu_problem() -> str:
    """A build without CUDA, no driver or one that does not fit, no device, or no code for it.

    Empty where PyTorch can use a GPU.
    """
    version = torch.__version__
    if torch.version.cuda is None and torch.version.hip is None:
        return (
            f"torch {version} is built without CUDA; install a build with it, by "
            "https://pytorch.org/get-started/locally"
        )
    if torch.version.hip is None and (why := driver_problem(torch.version.cuda)):
        return f"torch {version}: {why}"
    try:
        torch.cuda.init()
    except RuntimeError as error:
        return f"torch {version} can use no GPU: {' '.join(str(error).split())}"
    if not torch.cuda.is_available():
        return f"torch {version} sees no GPU; is the driver installed?"
    if torch.version.hip is not None:
        return ""
    why = architecture_problem(torch.cuda.get_device_capability(), torch.cuda.get_arch_list())
    return f"torch {version}: {why}" if why else ""
