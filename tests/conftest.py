"""Fixtures shared by every test."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from mocap.model.take import Take

REPOSITORY = Path(__file__).resolve().parents[1]

# No deadline: how long one example takes says more about the machine than about the code.
hypothesis.settings.register_profile(
    "mocap", deadline=None, max_examples=30, derandomize="CI" in os.environ, print_blob=True
)
hypothesis.settings.load_profile("mocap")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips the tests marked ``blender`` where there is no bpy for this Python or this machine."""
    if importlib.util.find_spec("bpy") is None:
        for item in items:
            if item.get_closest_marker("blender"):
                item.add_marker(pytest.mark.skip(reason="Blender as a module (bpy) is not installed"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real clips ($MOCAP_DATA, else ../shared/data beside the repository); skips where it is absent."""
    folder = Path(os.environ.get("MOCAP_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "videos").is_dir():
        pytest.skip(f"no real clips: {folder.name}/videos not found; set MOCAP_DATA to run this test")
    return folder


@pytest.fixture(scope="session")
def real_takes(real_data: Path) -> Callable[[str], Take]:
    """The take of a real clip by its path, "pose2sim_s00/cam01.mp4", processed once a session, when first asked for."""
    from mocap.app import process

    @cache
    def take(clip: str) -> Take:
        return process.process(real_data / clip, process.CaptureSettings())

    return take
