"""The Python API: the README's lines run, and what they give is what the command line gives."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from takes import golden_take, swinging_motion

import mocap
from mocap.model.errors import MocapError
from mocap.source import Video, VideoWriter

REPOSITORY = Path(__file__).resolve().parents[1]


def lines_of_the_readme() -> str:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?import mocap\n.*?)```", text, flags=re.DOTALL)
    return str(code)


def test_the_lines_of_the_readme_run(tmp_path: Path) -> None:
    example = Video(REPOSITORY / "examples" / "walk.mp4", end_s=0.5)
    with VideoWriter(tmp_path / "walk.mp4", example.info.size, example.info.fps) as clip:
        for frame in example:
            clip.write(frame)
    code = lines_of_the_readme()
    assert len(code.splitlines()) <= 10
    code += "print(positions.shape, len(names), right_hand.shape, positions[:, names.index('Head'), 1].max())"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    shapes, _, head_height = ran.stdout.rpartition(" ")
    assert shapes == "(15, 22, 3) 22 (15, 3)"
    assert 1.4 < float(head_height) < 1.7  # of somebody 1.75 m tall who walks
    assert {"walk.bvh", "walk.json"} <= {path.name for path in tmp_path.iterdir()}


def test_a_take_is_written_and_read_with_its_joints(tmp_path: Path) -> None:
    take = golden_take()
    assert mocap.write(take, tmp_path / "walk.json") == [tmp_path / "walk.json"]
    assert mocap.write(take, tmp_path / "walk.bvh") == [tmp_path / "walk.bvh"]
    names, expected = mocap.joint_positions(swinging_motion(6))
    assert expected.shape == (6, len(names), 3)
    for content in (mocap.read(tmp_path / "walk.json"), mocap.read_motion(tmp_path / "walk.bvh")):
        found = mocap.joint_positions(content)
        assert found.names == names
        np.testing.assert_allclose(found.positions, expected, atol=1e-5)


def test_a_person_is_chosen_by_id(tmp_path: Path) -> None:
    one = golden_take().people[0]
    moved = replace(swinging_motion(6), root_world=swinging_motion(6).root_world + 1)
    take = replace(golden_take(), people=(one, replace(one, id=2, motion=moved)))
    mocap.write(take, tmp_path / "take.json")
    apart = mocap.joint_positions(take, person=2).positions - mocap.joint_positions(take).positions
    np.testing.assert_allclose(apart, 1, atol=1e-12)
    assert mocap.read_motion(tmp_path / "take.json", person=2).root_world[0, 0] == pytest.approx(1)
    with pytest.raises(MocapError, match="only person 1, 2"):
        mocap.joint_positions(take, person=3)
    with pytest.raises(MocapError, match="choose one of: 1, 2"):
        mocap.read_motion(tmp_path / "take.json", person=3)


def test_a_take_without_motion_is_refused_by_formats_of_motion(tmp_path: Path) -> None:
    take = replace(golden_take(), people=(replace(golden_take().people[0], motion=None),))
    assert mocap.write(take, tmp_path / "take.json")
    with pytest.raises(MocapError, match="holds nobody's motion"):
        mocap.write(take, tmp_path / "take.bvh")
    with pytest.raises(MocapError, match="the motion of nobody"):
        mocap.joint_positions(take)


def test_wrong_use_says_what_is_right(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"unknown settings height; known: .*height_m"):
        mocap.process("walk.mp4", height=1.75)
    with pytest.raises(MocapError, match=r"mocap\.read_motion"):
        mocap.read(tmp_path / "walk.bvh")
    with pytest.raises(MocapError, match="needs a whole take"):
        mocap.write(swinging_motion(2), tmp_path / "walk.json")
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        _ = mocap.frobnicate  # type: ignore[attr-defined]


def test_the_names_are_listed_and_loaded_when_used_alone() -> None:
    code = "import sys, mocap; dir(mocap); print('numpy' in sys.modules); mocap.read; print('numpy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert ran.stdout.split() == ["False", "True"]
    assert set(dir(mocap)) >= {"process", "read", "write", "joint_positions"}
