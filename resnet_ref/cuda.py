"""Why a build of a framework can use no GPU, and what to do: the same words for all of them."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

_LIBRARY = "nvcuda.dll" if os.name == "nt" else "libcuda.so.1"
# cuda.h, CUresult: what cuInit may return where a machine is not in order.
_REMEDIES = {
    34: "a stub stands in for the driver's library; take it off LD_LIBRARY_PATH",
    100: "the driver sees no GPU; does CUDA_VISIBLE_DEVICES hide it, or the container lack it?",
    802: "the GPU's fabric manager is not running; start nvidia-fabricmanager",
    803: "the driver's library and kernel module are of different versions; restart the machine",
    804: "the CUDA compatibility package does not fit this GPU; take it off LD_LIBRARY_PATH",
    999: "the driver failed for a reason it does not tell; restart the machine",
}


def driver_problem(built_for: str | None, load: Callable[[str], Any] = ctypes.CDLL) -> str:
    """Why NVIDIA's driver cannot serve a build, asked of the driver itself; empty where it can.

    A driver serves what was built for its own major version of CUDA or an earlier one (CUDA
    Compatibility, section on minor version compatibility).

    Args:
        built_for: the CUDA version of the build, "12.6" say; None where it does not tell.
        load: gives the driver's library by its name.
    """
    try:
        library = load(_LIBRARY)
    except OSError:
        return (
            f"there is no NVIDIA driver ({_LIBRARY} is not found); install it, or start the "
            "container with the GPU (docker run --gpus all)"
        )
    code = library.cuInit(0)
    if code:
        why = _REMEDIES.get(code, "look the number up as CUresult in CUDA's documentation")
        return f"cuInit fails with error {code}: {why}"
    number = ctypes.c_int()
    library.cuDriverGetVersion(ctypes.byref(number))
    major, minor = number.value // 1000, number.value % 1000 // 10
    wanted = re.match(r"\d+", built_for or "")
    if number.value and wanted and int(wanted[0]) > major:
        return (
            f"the driver is too old: it serves CUDA {major}.{minor}, and this build is for "
            f"{built_for}; update the driver, or install a build for CUDA {major}"
        )
    return ""


def architecture_problem(capability: tuple[int, int], compiled: Sequence[str]) -> str:
    """Why a GPU cannot run what a build was compiled for; empty where it can.

    Native code (sm_86) runs on its own generation from its own minor number on; PTX
    (compute_80) is compiled at run time for every later one (CUDA C++ Programming Guide,
    sections on binary and PTX compatibility).

    Args:
        capability: the device's compute capability, (9, 0) say.
        compiled: what the build has, "sm_86" or "compute_90" say; suffixed ones ("sm_90a") run
            on exactly that device.
    """
    found = [match for one in compiled if (match := re.fullmatch(r"(\w+)_(\d+)(\d)([af]?)", one))]
    for kind, major, minor, suffix in (match.groups() for match in found):
        built = int(major), int(minor)
        if suffix and built == capability:
            return ""
        if not suffix and kind == "compute" and built <= capability:
            return ""
        if not suffix and kind == "sm" and built[0] == capability[0] and built <= capability:
            return ""
    if not found:
        return ""  # the build does not tell
    newest = max((int(match[2]), int(match[3])) for match in found)
    name = f"{capability[0]}.{capability[1]}"
    has = ", ".join(compiled)
    if capability > newest:
        return (
            f"this GPU, of compute capability {name}, is too new for this build ({has}); "
            "install one for a later CUDA"
        )
    return (
        f"this GPU, of compute capability {name}, is too old for this build ({has}); "
        "install one for an earlier CUDA"
    )
