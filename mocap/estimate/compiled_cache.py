"""Compiled networks kept in the user's cache folder between runs: whole, or not at all."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from platformdirs import user_cache_path

FOLDER_VARIABLE = "MOCAP_CACHE"
DIGEST_BYTES = hashlib.sha256().digest_size

logger = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where compiled networks are kept: $MOCAP_CACHE, or the user's cache folder. It need not exist."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return (Path(chosen) if chosen else user_cache_path("opentake", appauthor=False)) / "networks"


def cache_key(name: str, parts: Iterable[str], sources: Iterable[Path]) -> str:
    """A file name for a compiled network: changes with every part and with the content of every source file."""
    digest = hashlib.sha256("\0".join(parts).encode())
    for path in sources:
        digest.update(path.read_bytes())
    return f"{name}-{digest.hexdigest()[:20]}.bin"


def read_cached(key: str) -> bytes | None:
    """What was written under the key, or None if there is nothing or it is damaged."""
    try:
        content = (cache_folder() / key).read_bytes()
    except OSError:
        return None
    digest, payload = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    return payload if hashlib.sha256(payload).digest() == digest else None


def write_cached(key: str, payload: bytes) -> None:
    """Keeps the payload under the key. A folder that cannot be written to is no error: the next start is slower."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_whole(folder / key, hashlib.sha256(payload).digest() + payload)
    except OSError as error:
        logger.warning("compiled networks cannot be kept in %s (%s); set %s", folder, error.strerror, FOLDER_VARIABLE)


def _write_whole(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
