"""What the confined process of a target does: load it, then run the checks that are asked for."""

from __future__ import annotations

import faulthandler
import os
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from json import dumps
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, TypeVar

from resnet_verify import tune
from resnet_verify.adapters.outputs import cause, message_of
from resnet_verify.checks import all_checks
from resnet_verify.confinement import confine
from resnet_verify.importing import describe, raised_at
from resnet_verify.judge import bare_verdict, judged_by
from resnet_verify.limits import Late, deadline
from resnet_verify.report_json import to_wire
from resnet_verify.target import TargetError, load_target
from resnet_verify.verdict import CheckResult

if TYPE_CHECKING:
    from resnet_verify.examine import Examination
    from resnet_verify.judge import Options

T = TypeVar("T")


def serve(
    line: Connection,
    output: Connection,
    target: str,
    options: Options,
    loading: float,
    memory: int | None,
    threads: int | None,
) -> None:
    """Answer on `line`: first how loading went, then for each id of a check what it found.

    Every answer is a JSON object: "framework" and "version" of a target that is loaded,
    "unloadable" with a message and a "traceback", or a verdict by one check.
    """
    confine(output, memory)
    if threads is not None:
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    limit = options.timeout
    assert limit is not None  # as `Apart` has it
    examination = guarded(line, target, loading, partial(_loaded, target, options, loading))
    if examination is None:
        return
    faulthandler.disable()  # Paddle has put its own handlers in place: they do not say the line
    faulthandler.enable(file=2, all_threads=False)
    known = {"framework": examination.framework, "version": examination.framework_version}
    line.send_bytes(dumps(known).encode())
    while check_id := line.recv_bytes().decode():
        found = guarded(
            line, target, limit, partial(_found, examination, check_id, target, options)
        )
        if found is not None:
            line.send_bytes(dumps(found).encode())


def guarded(line: Connection, target: str, limit: float, function: Callable[[], T]) -> T | None:
    """What `function` returns; None where it raised, which is told on `line` as "unloadable"."""
    faulthandler.dump_traceback_later(limit + 1, file=2)
    try:
        return function()
    except BaseException as error:  # the target's code may raise anything
        line.send_bytes(dumps(_unloadable(target, error)).encode())
        return None
    finally:
        faulthandler.cancel_dump_traceback_later()


def _unloadable(target: str, error: BaseException) -> Mapping[str, str]:
    known = isinstance(error, TargetError)
    return {
        "unloadable": message_of(error) if known else f"{target}: {describe(error)}",
        "traceback": "".join(traceback.format_exception(error)),
    }


def _loaded(target: str, options: Options, limit: float) -> Examination:
    after_load = tune.own_process()
    try:
        with deadline(limit):
            found = load_target(target)
            examination = options.examination(found)
            examination.prepare()
    except Late as error:
        raise TargetError(f"{target}: loading gave {error}{raised_at(error)}") from error
    after_load()
    return examination


def _found(
    examination: Examination, check_id: str, target: str, options: Options
) -> dict[str, Any]:
    try:
        return to_wire(judged_by(examination, all_checks()[check_id], target, options))
    except TargetError:
        raise
    except BaseException as error:  # `judged_by` takes care of each `Exception`
        result = CheckResult(check_id, "error", 0.0, cause(error))
        framework, version = examination.framework, examination.framework_version
        return to_wire(bare_verdict(target, [result], framework, version))
