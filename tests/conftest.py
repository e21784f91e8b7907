"""Fixtures shared by every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real clips ($MOCAP_DATA, else ../shared/data beside the repository); skips where it is absent."""
    folder = Path(os.environ.get("MOCAP_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "videos").is_dir():
        pytest.skip(f"no real clips: {folder.name}/videos not found; set MOCAP_DATA to run this test")
    return folder
