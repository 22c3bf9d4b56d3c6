"""What a figure depends on beside the network: machine, limits, libraries, environment."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from resnet_ref.tuning import cores

LIBRARIES = (
    "paddlepaddle",
    "paddlepaddle-gpu",
    "torch",
    "mindspore",
    "onnx",
    "onnxruntime",
    "onnxruntime-gpu",
    "numpy",
)
_VARIABLES = ("OMP_", "MKL_", "KMP_", "OPENBLAS_", "FLAGS_", "CUDA_", "NVIDIA_TF32", "MALLOC_")
_GPU_QUERY = ("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")


@dataclass(frozen=True)
class Fingerprint:
    """Figures of two runs may be compared where their fingerprints are equal.

    `memory` is in bytes; `limits` are those of the control group; `gpus` are as nvidia-smi
    tells them. Load and commit belong to a run, not to a machine, and are not here.
    """

    cpu: str
    cpu_flags: str
    cores: int
    memory: int
    gpus: tuple[str, ...]
    system: str
    python: str
    libraries: Mapping[str, str]
    environment: Mapping[str, str]
    limits: Mapping[str, str]

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits."""
        return sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def fingerprint() -> Fingerprint:
    """That of this machine and process, as they are now."""
    return Fingerprint(
        cpu=_cpuinfo("model name") or platform.processor(),
        cpu_flags=sha256(_cpuinfo("flags").encode()).hexdigest()[:16],
        cores=cores(),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        gpus=_gpus(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        libraries=dict(_libraries()),
        environment={
            name: os.environ[name] for name in sorted(os.environ) if name.startswith(_VARIABLES)
        },
        limits=dict(_limits(Path("/sys/fs/cgroup"))),
    )


def _cpuinfo(name: str) -> str:
    path = Path("/proc/cpuinfo")
    for line in path.read_text().splitlines() if path.exists() else ():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _gpus() -> tuple[str, ...]:
    try:
        done = subprocess.run(_GPU_QUERY, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):  # no driver, no GPU
        return ()
    return tuple(done.stdout.splitlines())


def _libraries() -> Iterator[tuple[str, str]]:
    for name in LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _limits(root: Path) -> Iterator[tuple[str, str]]:
    for name in ("cpu.max", "cpuset.cpus.effective", "memory.max"):
        path = root / name
        if path.is_file():
            yield name, path.read_text().strip()


def commit(folder: Path) -> str:
    """The commit that is checked out in `folder`, "+" behind where files differ from it.

    Empty where there is no repository.
    """
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def differences(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """What differs between two fingerprints, as dictionaries, in words."""
    found = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += [f"{name}.{words}" for words in differences(before, after)]
        elif before != after:
            found.append(f"{name}: {before} became {after}")
    return found
