"""Blender as a module, with settings of its own, so that nothing of the user's is read or written."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="blender_")
bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed")

REPOSITORY = Path(__file__).resolve().parents[3]
ADDON = REPOSITORY / "blender_addon" / "mocap_blender"
sys.path[:0] = [str(ADDON.parent), str(REPOSITORY / "tests" / "addon")]


@pytest.fixture
def scene():
    """An empty factory scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


@pytest.fixture(scope="session")
def zip_file(tmp_path_factory) -> Path:
    """The extension, built and validated by Blender's own tool."""
    tool = Path(bpy.utils.resource_path("LOCAL"), "scripts", "addons_core", "bl_pkg", "cli", "blender_ext.py")
    target = tmp_path_factory.mktemp("addon") / "mocap_blender.zip"
    for command in (["build", f"--source-dir={ADDON}", f"--output-filepath={target}"], ["validate", str(target)]):
        done = subprocess.run([sys.executable, str(tool), *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture
def addon(zip_file, scene):
    """The add-on, installed from its zip and switched on; switched off afterwards."""
    name = "bl_ext.user_default.mocap_blender"
    bpy.ops.extensions.package_install_files(filepath=str(zip_file), repo="user_default", enable_on_install=True)
    if importlib.util.find_spec(name) is None or not hasattr(bpy.types.Object, "mocap_map"):
        bpy.ops.preferences.addon_enable(module=name)
    yield name
    bpy.ops.preferences.addon_disable(module=name)
    assert not hasattr(bpy.types.Object, "mocap_map")


@pytest.fixture(scope="session")
def characters_folder() -> Path:
    """Where the real characters are; skips, and says so, where they are absent."""
    import characters

    if not (characters.DATA / "characters").is_dir():
        pytest.skip(f"no real characters: {characters.DATA.name}/characters not found; set MOCAP_DATA to run this test")
    return characters.DATA / "characters"


@pytest.fixture(scope="session")
def takes_folder(characters_folder, tmp_path_factory) -> Path:
    """Where the takes of real clips are: in $MOCAP_TAKES, or made now if the mocap program is in this environment."""
    import real_takes

    if "MOCAP_TAKES" in os.environ:
        return Path(os.environ["MOCAP_TAKES"])
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("mocap is not in this environment: make takes with real_takes.py and set MOCAP_TAKES")
    folder = tmp_path_factory.mktemp("takes")
    real_takes.make(folder)
    return folder


@pytest.fixture(scope="session")
def real_take(takes_folder) -> Callable:
    """The take of a name in ``real_takes.TAKES``, as the add-on reads it."""
    import real_takes
    from mocap_blender.pure.take import read_take

    return cache(lambda name: read_take(real_takes.path_of(name, takes_folder)))


_exit_status = 0


def pytest_sessionfinish(session, exitstatus) -> None:
    """Notes how the tests went, for ``pytest_unconfigure``."""
    global _exit_status
    _exit_status = int(exitstatus)


def pytest_unconfigure(config) -> None:
    """Ends the process at once: after Rigify ran, Blender 4.2 crashes and 4.5 hangs while Python tears it down."""
    if bpy.app.version < (5, 0):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_exit_status)
