"""Write a file whole or not at all, leaving no draft behind."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Put a file with this content in place of `path`; a reader sees the old one or the new one.

    On Linux the draft has no name until it is whole, so that a process killed meanwhile leaves
    nothing. What is no regular file, /dev/stdout say, is written to as it is.

    Raises:
        OSError: the folder does not exist or cannot be written.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write(draft, content)
        os.replace(draft, path)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _write(draft: Path, content: bytes) -> None:
    nameless = _open_nameless(draft.parent)
    if nameless is None:
        draft.write_bytes(content)
        return
    with os.fdopen(nameless, "wb") as stream:
        stream.write(content)
        stream.flush()
        # With a descriptor of a folder, which an absolute path ignores, Python follows the link.
        os.link(f"/proc/self/fd/{nameless}", draft, src_dir_fd=nameless, follow_symlinks=True)


def _open_nameless(folder: Path) -> int | None:
    """A descriptor of a new file without a name; None where the file system has no such files."""
    if not hasattr(os, "O_TMPFILE"):
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o666)
    except OSError:
        return None
