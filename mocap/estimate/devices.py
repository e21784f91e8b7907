"""Which device a network runs on, found out without importing torch where the answer is the CPU."""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import sys
from importlib import metadata

from mocap.model.errors import MocapError, unknown_name

DEVICES = ("auto", "cpu", "cuda", "mps")
INSTALL = "install a torch build for it, or use --device cpu"
TORCH_EXTRA = "pip install 'opentake[torch]'"


def require_torch(what: str) -> None:
    """Raise an error that names the extra to install, where there is no torch.

    Parameters
    ----------
    what
        What needs it; the error's sentence begins with this.

    Raises
    ------
    MocapError
        Where torch is not installed. It is not imported to find that out.
    """
    if not _has_torch():
        raise MocapError(f"{what} needs torch, which is not installed: {TORCH_EXTRA}")


def resolve_device(device: str) -> str:
    """cpu, cuda or mps. ``auto`` takes the first there is of cuda, mps, cpu.

    Raises MocapError for an unknown name or a device that this machine or its torch does not have.
    """
    if device not in DEVICES:
        raise unknown_name("device", device, list(DEVICES))
    if device == "cpu":
        return device
    if device != "auto" and not _has_torch():
        raise MocapError(f"--device {device} needs torch, which is not installed: {TORCH_EXTRA}, or use --device cpu")
    if not _may_accelerate():
        found: list[str] = []
    else:
        found = _torch_devices()
    if device == "auto":
        return found[0] if found else "cpu"
    if device not in found:
        raise MocapError(f"device '{device}' is not available here; {INSTALL}")
    return device


def _may_accelerate() -> bool:
    """False only if torch cannot have an accelerator: importing it to ask would cost seconds."""
    if not _has_torch() or metadata.version("torch").endswith("+cpu"):
        return False
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return _has_library("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1") or _has_library("libamdhip64.so")


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def _has_library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _torch_devices() -> list[str]:
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return [device for device, there in available.items() if there]
