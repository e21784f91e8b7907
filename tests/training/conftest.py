"""The published files that the weights come from, obtained by package name once a session."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from training.blazepose_cards import ORIGINS
from training.convert_blazepose import download_npm_tarball, download_wheel, read_member


@pytest.fixture(scope="session", autouse=True)
def network_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled networks of the tests are kept apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOCAP_CACHE", str(tmp_path_factory.getbasetemp() / "network_cache"))
        yield


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The TensorFlow Lite file of each model, by the model's name."""
    folder = tmp_path_factory.mktemp("packages")
    try:
        packages = {"PyPI": download_wheel(folder), "npm": download_npm_tarball(folder)}
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"the packages with the published networks cannot be had here: {error}")
    return {name: read_member(packages[origin.registry], origin.member) for name, origin in ORIGINS.items()}
