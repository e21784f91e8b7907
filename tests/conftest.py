"""Fixtures shared by every test."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from mocap.model.take import Take

TESTS = Path(__file__).resolve().parent
REPOSITORY = TESTS.parent

# Slow as a whole: what starts programs, a browser, Blender or Dask, runs networks, or loads torch.
SLOW = (
    "addon/blender",
    "annotate/test_accessibility.py",
    "annotate/test_annotation_page.py",
    "annotate/test_page_on_real_pictures.py",
    "annotate/test_store.py",
    "batch/test_batch.py",
    "batch/test_cluster.py",
    "batch/test_run.py",
    "blender",
    "estimators/test_graphs.py",
    "estimators/test_joint_estimators.py",
    "networks",
    "report/test_page.py",
    "test_api.py",
    "test_cli.py",
    "test_evaluate.py",
    "test_faults.py",
    "test_help.py",
    "test_hostile_files.py",
    "test_variants.py",
    "test_video.py",
    "test_without_torch.py",
    "training",
)

# No deadline: how long one example takes says more about the machine than about the code.
hypothesis.settings.register_profile(
    "mocap", deadline=None, max_examples=30, derandomize="CI" in os.environ, print_blob=True
)
hypothesis.settings.register_profile("quick", parent=hypothesis.settings.get_profile("mocap"), max_examples=10)
hypothesis.settings.load_profile("mocap")


def pytest_configure(config: pytest.Config) -> None:
    """Fewer examples a property in the quick selection; and Ctrl-C reaches this process and those that tests start.

    A shell without job control starts background commands with SIGINT ignored, and children inherit that: tests of
    Ctrl-C would wait for an end that never comes.
    """
    if "not slow" in config.option.markexpr:
        hypothesis.settings.load_profile("quick")
    hear_ctrl_c()


def hear_ctrl_c() -> None:
    """Handles SIGINT as Python does by itself, where it was inherited as ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def is_slow(path: Path) -> bool:
    """Whether a file of tests is among those that are slow as a whole."""
    return any(path.is_relative_to(TESTS / slow) for slow in SLOW)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out slow files, without importing them, where slow tests are deselected (``-m "not slow"``)."""
    return True if "not slow" in config.option.markexpr and is_slow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of slow files, and skips those of Blender where there is no bpy for this Python or machine."""
    without_blender = importlib.util.find_spec("bpy") is None
    for item in items:
        if is_slow(item.path):
            item.add_marker(pytest.mark.slow)
        if without_blender and item.get_closest_marker("blender"):
            item.add_marker(pytest.mark.skip(reason="Blender as a module (bpy) is not installed"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real clips ($MOCAP_DATA, else ../shared/data beside the repository); skips where it is absent."""
    folder = Path(os.environ.get("MOCAP_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "videos").is_dir():
        pytest.skip(
            "no real clips: $MOCAP_DATA, else ../shared/data, holds no videos/; set MOCAP_DATA to run this test"
        )
    return folder


@pytest.fixture(scope="session")
def real_takes(real_data: Path) -> Callable[[str], Take]:
    """The take of a real clip by its path, "pose2sim_s00/cam01.mp4", processed once a session, when first asked for."""
    from mocap.app import process

    @cache
    def take(clip: str) -> Take:
        return process.process(real_data / clip, process.CaptureSettings())

    return take
