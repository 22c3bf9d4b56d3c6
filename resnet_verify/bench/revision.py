"""An older revision of the user's repository, in a folder of its own for a while."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from resnet_verify.bench.measure import MeasureError


@contextmanager
def checked_out(revision: str, folder: Path) -> Iterator[Path]:
    """The folder that stands for `folder` in a temporary worktree of `revision`.

    The user's working tree, index and branches stay as they are, and the worktree is removed.

    Raises:
        MeasureError: `folder` is in no repository, or has no such revision, or is not in it.
    """
    root = Path(_git(folder, "rev-parse", "--show-toplevel"))
    commit = _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    with TemporaryDirectory(prefix="resnet-verify-") as temporary:
        tree = Path(temporary) / "tree"
        _git(root, "worktree", "add", "--detach", "--quiet", str(tree), commit)
        try:
            there = tree / folder.resolve().relative_to(root.resolve())
            if not there.is_dir():
                raise MeasureError(f"--against-rev {revision}: it has no folder {folder.name}")
            yield there
        finally:
            _git(root, "worktree", "remove", "--force", str(tree))


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True)
    except FileNotFoundError:
        raise MeasureError("--against-rev needs git, which is not installed") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        why = lines[-1] if lines else f"there is no revision {words[-1].partition('^')[0]!r}"
        raise MeasureError(f"--against-rev: {why}")
    return done.stdout.strip()
