"""Verdicts as JSON, schema 1; and as plain data that travels between pytest-xdist's processes."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from resnet_verify import __version__
from resnet_verify.atomic import write_whole
from resnet_verify.verdict import CheckResult, Diagnosis, Identity, ParameterTotals, Verdict

SCHEMA = 1
_PACKAGES = ("paddlepaddle", "paddlepaddle-gpu", "torch", "mindspore", "onnx", "onnxruntime",
             "numpy", "pytest", "hypothesis")  # fmt: skip


def report(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The whole report, ready for `json.dump`."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "resnet-verify", "version": __version__},
        "environment": _environment(),
        "targets": [_entry(verdict) for verdict in verdicts],
    }


def write_report(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Write the report so that a reader sees the old file or the whole new one.

    Raises:
        OSError: the folder does not exist or cannot be written.
    """
    text = json.dumps(report(verdicts), indent=2, ensure_ascii=False) + "\n"
    # A file name that is not UTF-8 comes as surrogates: they are written as escapes.
    write_whole(path, text.encode(errors="backslashreplace"))


def to_wire(verdict: Verdict) -> dict[str, Any]:
    """`verdict` as dicts, lists, strings and numbers."""
    return asdict(verdict)


def from_wire(data: Mapping[str, Any]) -> Verdict:
    """What `to_wire` made, as a verdict again."""
    identified, params = data["identified"], data["params"]
    changes = {
        "identified": Identity(**identified) if identified else None,
        "params": ParameterTotals(**params) if params else None,
        "diagnoses": _diagnoses(data),
        "advice": tuple(data["advice"]),
        "checks": tuple(
            CheckResult(**{**check, "diagnoses": _diagnoses(check)}) for check in data["checks"]
        ),
    }
    return Verdict(**{**data, **changes})


def _diagnoses(data: Mapping[str, Any]) -> tuple[Diagnosis, ...]:
    return tuple(Diagnosis(**diagnosis) for diagnosis in data["diagnoses"])


def _entry(verdict: Verdict) -> dict[str, Any]:
    params = verdict.params
    return {
        "target": verdict.target,
        "framework": verdict.framework,
        "framework_version": verdict.framework_version,
        "verdict": verdict.judgement,
        "identified": asdict(verdict.identified) if verdict.identified else None,
        "params": {**asdict(params), "total": params.total} if params else None,
        "diagnoses": [_chosen(d, "check", "where", "expected", "found", "message")
                      for d in verdict.diagnoses],
        "advice": list(verdict.advice),
        "seconds": round(verdict.seconds, 3),
        "checks": [
            {**_chosen(check, "id", "outcome", "seconds", "message", "reproduce"),
             "seconds": round(check.seconds, 3)}
            for check in verdict.checks
        ],
    }  # fmt: skip


def _chosen(record: object, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


@cache
def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def _environment() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "packages": _versions(),
        "command": sys.argv[1:],
    }
