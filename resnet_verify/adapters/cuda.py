"""Whether a build of a framework has code for a GPU: the words are the same for all."""

from __future__ import annotations

import re
from collections.abc import Sequence


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
