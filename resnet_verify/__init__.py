"""Says what a ResNet is, whether it is right, and if not, what exactly is wrong and where.

The public names below load on first use: importing this package costs next to nothing,
since pytest does so in every session of an environment in which it is installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resnet_verify.checks import Check, all_checks, select_checks
    from resnet_verify.examine import Examination
    from resnet_verify.target import Target, TargetError, load_target
    from resnet_verify.verdict import CheckResult, Diagnosis, Identity, Verdict

__version__ = "0.1.0"

__all__ = [
    "Check",
    "CheckResult",
    "Diagnosis",
    "Examination",
    "Identity",
    "Target",
    "TargetError",
    "Verdict",
    "__version__",
    "all_checks",
    "load_target",
    "select_checks",
]

_HOME = {
    "Check": "checks",
    "CheckResult": "verdict",
    "Diagnosis": "verdict",
    "Examination": "examine",
    "Identity": "verdict",
    "Target": "target",
    "TargetError": "target",
    "Verdict": "verdict",
    "all_checks": "checks",
    "load_target": "target",
    "select_checks": "checks",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
