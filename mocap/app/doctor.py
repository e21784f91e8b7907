"""What this machine has and lacks for a capture, each lack with the command that mends it."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType

from mocap.estimate.compiled_cache import FOLDER_VARIABLE, cache_folder
from mocap.estimate.devices import TORCH_EXTRA
from mocap.io import weights
from mocap.model.errors import MocapError

DISTRIBUTION = "opentake"
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
REINSTALL = "python -m pip install --force-reinstall --no-deps"
RESTORE_MODELS = "git checkout -- models (in a checkout), or install the wheel again"
SYSTEM_LIBRARIES = "apt-get install libgl1 libglib2.0-0"  # what builds of OpenCV with windows load on Debian


@dataclass(frozen=True)
class Finding:
    """One checked thing: whether it is in order, what was found, and the command that mends it if not."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


def diagnose() -> list[Finding]:
    """Findings about Python, packages, devices, models, the cache folder, video and Blender, in that order."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _packages,
        _processors,
        _openvino,
        _torch,
        _models,
        _cache,
        _opencv,
        _h264,
        _blender,
    )
    return [finding for check in checks for finding in check()]


def _python() -> Iterator[Finding]:
    fits = OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("python", fits, found, "" if fits else "python3.11 -m venv .venv (or 3.12, 3.13), and install there")


def _packages() -> Iterator[Finding]:
    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        yield Finding(DISTRIBUTION, False, "not installed in this environment", "python -m pip install .")
        return
    yield Finding(DISTRIBUTION, True, metadata.version(DISTRIBUTION))
    for requirement in requirements:
        if "extra ==" not in requirement:
            yield _package(requirement.split(";")[0].strip())


def _package(requirement: str) -> Finding:
    name = re.split(r"[^\w.-]", requirement)[0]
    try:
        return Finding(name, True, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, False, "not installed", f'python -m pip install "{requirement}"')


def _processors() -> Iterator[Finding]:
    yield Finding("cpu", True, f"{os.cpu_count()} processors")


def _openvino() -> Iterator[Finding]:
    from mocap.estimate.openvino_runtime import import_openvino

    try:
        devices = import_openvino().Core().available_devices
    except (ImportError, OSError, RuntimeError) as error:
        yield Finding("openvino", False, f"openvino does not load: {error}", f"{REINSTALL} openvino")
        return
    yield Finding("openvino devices", True, ", ".join(devices))


def _torch() -> Iterator[Finding]:
    if importlib.util.find_spec("torch") is None:
        detail = f"not installed; graphics cards and networks of your own need it: {TORCH_EXTRA}"
        yield Finding("torch devices", True, detail)
        return
    torch, problem = _load("torch")
    if torch is None:
        yield Finding("torch devices", False, problem, f"{REINSTALL} torch")
        return
    devices = ["cpu"]
    devices += [f"cuda ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    devices += ["mps"] if torch.backends.mps.is_available() else []
    yield Finding("torch devices", True, ", ".join(devices))


def _models() -> Iterator[Finding]:
    try:
        cards = weights.list_cards()
    except MocapError as error:
        yield Finding("models", False, str(error), RESTORE_MODELS)
        return
    if not cards:
        yield Finding("models", False, "the folder of models is empty", RESTORE_MODELS)
    for card in cards:
        yield _model(card.name)


def _model(name: str) -> Finding:
    try:
        weights.check_model(name)
    except weights.NotDownloadedError as error:
        return Finding(name, True, f"not downloaded; only this estimator needs it: {error}")
    except MocapError as error:
        return Finding(name, False, str(error), RESTORE_MODELS)
    if weights.read_card(name).graph_file:
        return Finding(name, True, "weights and graph as the card says (sha256)")
    return Finding(name, True, "weights as the card says (sha256)")


def _cache() -> Iterator[Finding]:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        fix = f"export {FOLDER_VARIABLE}=FOLDER (one you may write to)"
        yield Finding("cache folder", False, f"{folder}: {error.strerror}", fix)
        return
    yield Finding("cache folder", True, f"{folder} can be written")


def _opencv() -> Iterator[Finding]:
    cv2, problem = _load("cv2")
    if cv2 is not None:
        yield Finding("opencv", True, f"{cv2.__version__} loads")
        return
    lacks_library = "cannot open shared object file" in problem
    fix = SYSTEM_LIBRARIES if lacks_library else f"{REINSTALL} opencv-python-headless"
    yield Finding("opencv", False, problem, fix)


def _h264() -> Iterator[Finding]:
    fix = f"{REINSTALL} av"
    av, problem = _load("av")
    if av is None:
        yield Finding("h264 encoder", False, problem, fix)
        return
    try:
        encoder = av.Codec("libx264", "w")
    except ValueError as error:
        yield Finding("h264 encoder", False, f"PyAV {av.__version__} has no libx264: {error}", fix)
        return
    yield Finding("h264 encoder", True, f"{encoder.name} in PyAV {av.__version__}")


def _blender() -> Iterator[Finding]:
    found = shutil.which("blender")
    yield Finding("blender", True, found or "not on the PATH; only opening the takes needs it")


def _load(module: str) -> tuple[ModuleType | None, str]:
    """The imported module, or None and why it does not load."""
    try:
        return importlib.import_module(module), ""
    except (ImportError, OSError) as error:  # OSError: a shared library of the package that does not load
        return None, f"{module} does not load: {error}"
