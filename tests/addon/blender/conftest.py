"""Blender as a module, with settings of its own, so that nothing of the user's is read or written."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="blender_")
bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed")

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / "blender_addon"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


@pytest.fixture
def scene():
    """An empty factory scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene
