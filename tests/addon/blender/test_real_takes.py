"""Takes of real clips and of CMU's motion capture on rigs of every kind, judged by what Blender evaluates."""

from __future__ import annotations

import sys

import pytest
from characters import MADE, REAL, maker_of
from judged import check
from real_takes import TAKES

pytestmark = pytest.mark.real


@pytest.mark.parametrize("foot_lock", [False, True])
@pytest.mark.parametrize("take", TAKES)
@pytest.mark.parametrize("name", [*REAL, *MADE])
def test_limbs_feet_and_turns_are_the_take_s(scene, real_take, name, take, foot_lock):
    figures = check(maker_of(name)(name), real_take(take), foot_lock=foot_lock)
    sys.stderr.write(f"{name}, {take}: {figures}\n")
