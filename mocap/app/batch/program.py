"""Identify the program that makes takes: two different programs may give different bytes."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mocap import __version__
from mocap.io.weights import CARD_FILE, find_models_folder

LIBRARIES = ("av", "numpy", "opencv-python-headless", "openvino", "scipy", "torch")


@cache
def program_digest() -> str:
    """A digest of the code, of the networks' cards (which contain digests of the weights) and of library versions."""
    package = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256("\0".join([__version__, *map(_version, LIBRARIES)]).encode())
    for path in [*sorted(package.rglob("*.py")), *sorted(find_models_folder().glob(f"*/{CARD_FILE}"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
