"""Files that are whole or absent, and digests of code that do not change with a comment."""

import ast
import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Write a file whole or not at all: `fill(file)` writes to a temporary name, which is then renamed.

    Raises OSError as the system does; the temporary file is then gone.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            fill(file)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8, line feeds) whole or not at all."""
    write_whole(path, lambda file: file.write(text.encode("utf-8")))


@contextlib.contextmanager
def hold_lock(lock: Path, patience: float, waiting: Callable[[], str]) -> Iterator[None]:
    """Hold a lock between processes; after `patience` seconds of waiting for another one, say `waiting()` and wait on.

    Raises OSError, or NotImplementedError on a file system without locks.
    """
    import filelock

    held = filelock.FileLock(lock)
    try:
        held.acquire(timeout=patience)
    except filelock.Timeout:
        print(waiting(), file=sys.stderr)
        held.acquire()
    try:
        yield
    finally:
        held.release()


def code_digest(files: Iterable[Path]) -> str:
    """Digest of what Python files do: comments, docstrings, layout and line endings do not count."""
    digest = hashlib.sha256()
    for file in files:
        tree = ast.parse(file.read_bytes())
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and isinstance(body[0], ast.Expr) \
                    and isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
                node.body = body[1:] or [ast.Pass()]
        digest.update(f"{file.name}\0{ast.dump(tree)}\0".encode())
    return digest.hexdigest()
