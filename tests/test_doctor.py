"""The doctor finds what is missing and says how to mend it."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import ModuleType

import av
import pytest

from mocap.app import doctor
from mocap.app.doctor import Finding, diagnose
from mocap.estimate import compiled_cache
from mocap.io import weights


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own, so that the doctor leaves the user's alone."""
    monkeypatch.setenv(compiled_cache.FOLDER_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def findings() -> dict[str, Finding]:
    return {finding.name: finding for finding in diagnose()}


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
    """Make the import of one module fail."""
    kept: Callable[[str], ModuleType] = importlib.import_module

    def import_module(module: str) -> ModuleType:
        if module == name:
            raise error
        return kept(module)

    monkeypatch.setattr(importlib, "import_module", import_module)


def lose_distribution(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make one distribution look uninstalled."""
    for function in ("version", "requires"):
        kept = getattr(metadata, function)

        def look_up(distribution: str, kept: Callable[[str], object] = kept) -> object:
            if distribution == name:
                raise metadata.PackageNotFoundError(name)
            return kept(distribution)

        monkeypatch.setattr(metadata, function, look_up)


def test_a_whole_installation_is_healthy() -> None:
    found = findings()
    assert [finding for finding in found.values() if not finding.ok] == []
    names = {card.name for card in weights.list_cards()}
    assert names | {"python", "opentake", "torch devices", "numpy", "cpu", "cache folder", "h264 encoder"} <= set(found)


def test_what_is_in_order_needs_no_fix() -> None:
    assert {finding.fix for finding in diagnose() if finding.ok} == {""}


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lose_distribution(monkeypatch, "scipy")
    scipy = findings()["scipy"]
    assert not scipy.ok
    assert scipy.fix.startswith('python -m pip install "scipy')


def test_an_uninstalled_project_is_said_first(monkeypatch: pytest.MonkeyPatch) -> None:
    lose_distribution(monkeypatch, "opentake")
    assert findings()["opentake"] == Finding(
        "opentake", False, "not installed in this environment", "python -m pip install ."
    )


def test_a_missing_system_library_is_mended_with_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "cv2", ImportError("libGL.so.1: cannot open shared object file: No such file or directory"))
    opencv = findings()["opencv"]
    assert not opencv.ok
    assert "libGL.so.1" in opencv.detail
    assert opencv.fix.startswith("apt-get install libgl1")


@pytest.mark.parametrize(("module", "name"), [("cv2", "opencv"), ("av", "h264 encoder"), ("torch", "torch devices")])
def test_a_package_that_does_not_load_is_installed_again(
    module: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, module, ImportError("undefined symbol"))
    found = findings()[name]
    assert not found.ok
    assert "undefined symbol" in found.detail
    assert found.fix.startswith("python -m pip install --force-reinstall")


def test_torch_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else kept(name))
    torch = findings()["torch devices"]
    assert torch.ok
    assert "pip install 'opentake[torch]'" in torch.detail


def test_openvino_that_does_not_load_is_a_finding_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = builtins.__import__

    def without_openvino(name: str, *arguments: object, **named: object) -> object:
        if name == "openvino":
            raise ImportError("undefined symbol")
        return kept(name, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without_openvino)
    assert not findings()["openvino"].ok


def test_a_build_without_h264_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_codec(name: str, mode: str) -> None:
        raise av.codec.codec.UnknownCodecError(name)

    monkeypatch.setattr(av, "Codec", no_codec)
    assert not findings()["h264 encoder"].ok


def test_damaged_weights_and_graphs_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "models"
    shutil.copytree(weights.find_models_folder(), models)
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(models))
    for name, file in (("blazepose-lite", "weights.safetensors"), ("blazepose-full", "graph.xml")):
        path = models / name / file
        path.write_bytes(path.read_bytes()[:-1])
    found = findings()
    assert "graph of blazepose-full is damaged" in found["blazepose-full"].detail
    assert not found["blazepose-lite"].ok
    assert found["blazepose-lite"].fix
    assert found["blazepose-heavy"].ok


def test_a_folder_without_models_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    assert not findings()["models"].ok
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path / "absent"))
    assert not findings()["models"].ok


def test_a_cache_that_cannot_be_written_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(compiled_cache.FOLDER_VARIABLE, str(tmp_path / "file"))
    cache_finding = findings()["cache folder"]
    assert not cache_finding.ok
    assert compiled_cache.FOLDER_VARIABLE in cache_finding.fix


def test_an_old_python_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (99, 0))
    python = findings()["python"]
    assert not python.ok
    assert "venv" in python.fix


def test_blender_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert findings()["blender"].ok
