"""Compiled networks of the tests are kept apart from the user's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def network_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOCAP_CACHE", str(tmp_path_factory.getbasetemp() / "network_cache"))
        yield
